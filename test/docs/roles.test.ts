import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { endHolders, startRotation, storeMaterial, switchDek, takeUp } from '@rekey/control';
import { openStore } from '@rekey/db';
import { makeDek } from '@rekey/keyring';
import { checkApiWork, checkWorkerWork, migrate } from '@rekey/schema';
import { createVault } from '@rekey/vault';
import { Client } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { testKek } from '../harness/kek.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const run = `doc_${randomBytes(4).toString('hex')}`;
const password = 'of-a-test';
const kek = await testKek();
const parts = ['owner', 'api', 'worker', 'app', 'operator'] as const;
type Part = (typeof parts)[number];

const manual = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** The blocks of SQL of a section, with names of this run in place of those that are everybody's. */
function sqlOf(heading: string): string[] {
  const section = manual.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```sql\n(.*?)^```/gms)].map(([, sql = '']) =>
    sql
      .replace(/\brekey_(owner|api|worker|app|operator)\b/g, `${run}_$1`)
      .replace('create database rekey ', `create database ${run} `)
      .replaceAll(`password '…'`, `password '${password}'`),
  );
}

const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
function urlOf(part: Part): string {
  const url = new URL(adminUrl);
  url.username = `${run}_${part}`;
  url.password = password;
  url.pathname = `/${run}`;
  return url.href;
}

async function runAs<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** One by one: a database is not made within a transaction. */
async function executeAs(url: string, sql: string): Promise<void> {
  await runAs(url, async (client) => {
    for (const statement of sql.split(/;\s*(?:--.*)?$/m))
      if (statement.trim() !== '') await client.query(statement);
  });
}

after(() =>
  runAs(adminUrl, async (client) => {
    await client.query(`drop database if exists ${run} with (force)`);
    for (const part of parts) await client.query(`drop role if exists ${run}_${part}`);
  }),
);

test('the set-up of roles works as the manual says, each step as the role that it names', async (t) => {
  const [asAdmin = '', asOwner = ''] = sqlOf('Database roles');
  await executeAs(adminUrl, asAdmin);
  await migrate(urlOf('owner'));
  await executeAs(urlOf('owner'), asOwner);

  const open = (part: Part) => {
    const store = openStore({ url: urlOf(part), max: 3, applicationName: 'a test', onError: () => {} });
    t.after(() => store.end());
    return store;
  };
  await checkApiWork(open('api'));
  await checkWorkerWork(open('worker'));

  const vault = createVault({ store: open('app'), kek, prefetch: false });
  t.after(() => vault.close());
  const [tenantId, id] = [randomUUID(), randomUUID()];
  await vault.createTenant({ tenantId, name: 'a tenant' });
  await vault.put({ target: 'secrets', tenantId, id, value: Buffer.from('v'), columns: { name: 'n' } });
  assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), 'v');

  // A table of its own: the owner makes it, the operator registers it.
  const [check = '', table = '', register = ''] = sqlOf('A table of your own');
  await executeAs(urlOf('owner'), table);
  await executeAs(urlOf('operator'), check);
  await executeAs(urlOf('operator'), register);
  await vault.put({ target: 'tokens', tenantId, id: '7', value: Buffer.from('t'), columns: { label: 'l' } });
  assert.equal((await vault.get({ target: 'tokens', tenantId, id: '7' }))?.toString(), 't');
  await checkWorkerWork(open('worker'));
});

test('an operator runs what the manual says, without being the owner', async () => {
  await runAs(urlOf('operator'), async (client) => {
    const [holders = ''] = sqlOf('A rotation waits').map((sql) =>
      sql.replace(/^select pg_terminate.*$/m, ''),
    );
    await client.query(holders);
    for (const sql of [...sqlOf('What is seen is what is there'), ...sqlOf('What bypasses the fence')]) {
      await client.query(sql);
    }
    assert.equal((await client.query('select from rekey.integrity_problems()')).rowCount, 0);
    await client.query(`select rekey.recount_records('secrets')`);
    await client.query(`select rekey.repair_target('tokens')`);
    await client.query('select * from rekey.rotation_failures');
    await client.query(`select rekey.change_setting('value_bytes_max', 1048576)`);
    assert.equal((await client.query('select from rekey.integrity_problems()')).rowCount, 0);
    for (const sql of sqlOf('Backups and old DEKs')) {
      const { rows } = await client.query(sql.replace('…', randomUUID()));
      if (sql.includes('destroy_dek')) assert.deepEqual(rows, [{ destroy_dek: false }]);
    }
    for (const refused of ['select * from rekey.dek_material', 'select ciphertext from secrets']) {
      assert.equal(await sqlState(client.query(refused)), '42501', refused);
    }
  });
});

test('who holds a compromised key is ended by a worker, though the owner of the schema is no superuser', async (t) => {
  const open = (part: Part) => {
    const store = openStore({ url: urlOf(part), max: 4, applicationName: 'a test', onError: () => {} });
    t.after(() => store.end());
    return store;
  };
  const vault = createVault({ store: open('app'), kek, prefetch: false, report: false });
  t.after(() => vault.close());
  const tenantId = randomUUID();
  await vault.createTenant({ tenantId, name: 'a tenant' });
  await runAs(urlOf('operator'), (client) =>
    client.query(`select rekey.change_setting('compromise_patience_seconds', 1)`),
  );
  const holder = new Client({ connectionString: urlOf('app') });
  holder.on('error', () => {});
  await holder.connect();
  t.after(() => holder.end().catch(() => {}));
  await holder.query('begin');
  await holder.query('select rekey.hold_dek($1)', [tenantId]);

  const [rotationId, newDekId] = [randomUUID(), randomUUID()];
  const initiatedBy = { id: 'ada', name: null, email: null };
  const call = { rotationId, newDekId, tenantId, initiatedBy, idempotency: null, compromise: true };
  assert.equal((await startRotation(open('api'), call)).kind, 'started');
  const worker = open('worker');
  const running = await takeUp(worker, rotationId);
  await storeMaterial(worker, await makeDek(kek, tenantId, newDekId));
  const previousDekId = running?.previousDekId ?? '';
  assert.equal(await switchDek(worker, { rotationId, tenantId, previousDekId, newDekId }), 'draining');
  const [ended] = await until(
    async () => {
      const met = await endHolders(worker, previousDekId, worker);
      return met.length > 0 ? met : undefined;
    },
    { what: 'the holder is met once its time is over' },
  );
  assert.deepEqual([ended?.role, ended?.ended], [`${run}_app`, true]);
  assert.notEqual(await sqlState(holder.query('commit')), undefined);
});

test('a role that is given up can be dropped once its rights are revoked', async () => {
  await runAs(urlOf('owner'), (client) => client.query('select rekey.revoke_rights($1)', [`${run}_worker`]));
  await runAs(adminUrl, (client) => client.query(`drop role ${run}_worker`));
});
