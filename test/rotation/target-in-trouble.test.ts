import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;
await store.query(`create table public.notes (id bigint primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
  create index on public.notes (tenant_id, id);
  select rekey.register_target('notes', 'credentials', 'public.notes');
  create schema elsewhere`);

const kinds: ReadonlyArray<readonly [what: string, ddl: string, undo: string]> = [
  ['renamed', 'alter table notes rename to memos', 'alter table memos rename to notes'],
  [
    'moved to another schema',
    'alter table notes set schema elsewhere',
    'alter table elsewhere.notes set schema public',
  ],
  [
    'a column renamed',
    'alter table notes rename ciphertext to sealed',
    'alter table notes rename sealed to ciphertext',
  ],
  [
    'the key column renamed',
    'alter table notes rename key_number to k',
    'alter table notes rename k to key_number',
  ],
];

for (const [what, ddl, undo] of kinds) {
  test(`a table ${what}: who has nothing in it rotates; who has waits before the switch, and ends once it is back`, async () => {
    const { tenantId: without } = await core.tenantWith(20);
    const { tenantId } = await core.tenantWith(20);
    const notes = Array.from({ length: 10 }, () => ({
      id: String(Math.floor(Math.random() * 2 ** 48)),
      value: Buffer.of(7),
    }));
    await vault.putMany({ target: 'notes', tenantId, records: notes });
    await store.query(ddl);
    let trouble: unknown;
    let rotationId = '';
    try {
      const view = await core.startAndRotate(without);
      assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 20]);

      rotationId = await core.start(tenantId);
      trouble = await core.rotateOnce(rotationId).then(
        () => null,
        (error: unknown) => error,
      );
      assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
    } finally {
      await store.query(undo);
    }
    const diagnosed = diagnose(trouble);
    assert.equal(diagnosed.kind, 'transient');
    if (diagnosed.kind === 'transient') {
      assert.equal(diagnosed.waitingFor, 'integrity');
      assert.match(diagnosed.detail?.what ?? '', /public\.notes/);
    }
    const view = await core.finish(rotationId);
    assert.deepEqual(
      [view.status, view.itemsRotated.secrets, view.itemsRotated.credentials],
      ['completed', 20, 10],
    );
  });
}

test('a table that goes after it was planned holds up nobody else either', async () => {
  const { tenantId } = await core.tenantWith(20);
  const rotationId = await core.start(tenantId);
  const { prepareSweep } = await import('@rekey/rotation');
  assert.notEqual(await prepareSweep(core.env, rotationId, new AbortController().signal), null);
  await store.query('alter table notes rename to memos');
  try {
    assert.equal((await core.finish(rotationId)).status, 'completed');
  } finally {
    await store.query('alter table memos rename to notes');
  }
});

test('a part of schema rekey that is missing is told from one of the application', async () => {
  const saying = async (statement: string): Promise<string> => {
    const { rows } = await import('@rekey/db');
    return rows(store, statement).then(
      () => 'nothing',
      (error: unknown) => diagnose(error).kind,
    );
  };
  assert.equal(await saying('select from rekey.no_such_table'), 'schema_missing');
  assert.equal(await saying('select rekey.no_such_function(1)'), 'schema_missing');
  assert.equal(await saying('select from public.no_such_table'), 'transient');
  assert.equal(
    await saying(`do $$ begin perform from rekey.no_such_table; end $$`),
    'transient',
    'within a function: it may be anybody’s',
  );
  const fault = diagnose(new TypeError('x is not a function'));
  assert.ok(fault.kind === 'transient');
  assert.deepEqual([fault.waitingFor, fault.detail?.what], ['internal', 'a worker met a fault of Rekey']);
});
