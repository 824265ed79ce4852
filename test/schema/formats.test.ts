import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { formats } from '@rekey/envelope';
import { VaultError } from '@rekey/vault';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

test('database and code know the same formats, and how much longer each makes a value', async () => {
  const { rows: checks } = await store.query(
    `select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'targets_format_check'`,
  );
  assert.deepEqual([...(checks[0]?.definition ?? '').matchAll(/'([^']+)'/g)].map(([, name]) => name).sort(), [
    ...formats.map(({ name }) => name).sort(),
  ]);
  for (const { name, sealedBytes } of formats) {
    const { rows } = await store.query(
      `select rekey.sealed_bytes_max($1)::int as max, rekey.setting('value_bytes_max')::int as value,
         rekey.label_condition($1, 'a', 'b') as condition`,
      [name],
    );
    assert.equal(rows[0]?.max, sealedBytes(rows[0]?.value));
    assert.match(rows[0]?.condition, /\ba\b.*\bb\b/);
  }
});

test('a target of a format that only a later version knows keeps rotations waiting and is not written to', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const rotationId = await core.start(tenantId);
  await store.query(`alter table rekey.targets drop constraint targets_format_check`);
  const of = (format: string): Promise<unknown> =>
    store.query(`update rekey.targets set format = $1 where name = 'secrets'`, [format]);
  await of('of-tomorrow');
  await assert.rejects(core.finish(rotationId), /no format that this version knows/);
  const [id = ''] = ids;
  const unaware = core.anotherVault();
  const isUnknown = (error: unknown): boolean =>
    error instanceof VaultError && error.code === 'UNKNOWN_TARGET' && /later version/.test(error.message);
  await assert.rejects(unaware.get({ target: 'secrets', tenantId, id }), isUnknown);
  await assert.rejects(
    unaware.put({
      target: 'secrets',
      tenantId,
      id: randomUUID(),
      value: Buffer.of(1),
      columns: { name: 'n' },
    }),
    isUnknown,
  );
  await of('envelope-v1');
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 3]);
  assert.ok(await vault.get({ target: 'secrets', tenantId, id }));
});
