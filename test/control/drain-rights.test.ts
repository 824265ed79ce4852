import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { escapeIdentifier, Pool } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;

for (const role of ['nobody', 'application', 'api'] as const) {
  test(`the role ${role} cannot keep writers waiting`, async (t) => {
    const tenantId = await core.createTenant();
    if (role === 'nobody') await makeNobody(t);
    const url = role === 'nobody' ? asNobody() : asRole(database.url, role);
    const pool = new Pool({ connectionString: url, max: 1 });
    try {
      const locking = [
        'select 1 from rekey.dek_locks for share',
        'select 1 from rekey.dek_locks for update',
        'do $$ begin lock table rekey.dek_locks in access exclusive mode; end $$',
        'do $$ begin lock table rekey.deks in share mode; end $$',
        `update rekey.dek_locks set closed_at = now() where tenant_id = '${tenantId}'`,
        `select rekey.drain_older('${tenantId}')`,
        `select rekey.switch_to_dek('${tenantId}', '${tenantId}', null, '${tenantId}')`,
      ];
      for (const statement of locking)
        assert.equal(await sqlState(pool.query(statement)), '42501', statement);
    } finally {
      await pool.end();
    }
    const writer = await sessionsOn(database, t).begin();
    await writer.query('select rekey.hold_dek($1)', [tenantId]);
    // Anyone who may connect can take those.
    const { rowCount } = await store.query(`select from pg_locks where locktype = 'advisory' and pid = $1`, [
      'processID' in writer ? writer.processID : null,
    ]);
    assert.equal(rowCount, 0);
  });
}

const nobody = (): string => `${testEnvironment('TEST_ROLES_PREFIX')}_nobody`;

async function makeNobody(t: TestContext): Promise<void> {
  await store.query(`create role ${escapeIdentifier(nobody())} login password 'of-a-test'`);
  t.after(() => store.query(`drop role ${escapeIdentifier(nobody())}`));
}

function asNobody(): string {
  const url = new URL(database.url);
  url.username = nobody();
  url.password = 'of-a-test';
  return url.href;
}
