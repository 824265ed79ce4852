import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { listFailures } from '@rekey/control';
import { fixedBatchSize, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault, env } = core;
const signal = new AbortController().signal;

/** Of values that are stored beside their rows, in pieces. */
const apartBytes = 10_000;

async function pieces(): Promise<{ table: string; ids: string[] }> {
  const { rows } = await store.query<{ table: string }>(
    `select reltoastrelid::regclass::text as table from pg_class where oid = 'secrets'::regclass`,
  );
  const table = rows[0]?.table ?? '';
  const found = await store.query<{ id: string }>(`select distinct chunk_id::text as id from ${table}`);
  return { table, ids: found.rows.map(({ id }) => id) };
}

/** Values of which Postgres loses a piece: a page of its storage was not written, or a bit of it has turned. */
async function putAndLose(tenantId: string, lost: readonly string[]): Promise<void> {
  const before = new Set((await pieces()).ids);
  const records = lost.map((id) => ({ id, value: randomBytes(apartBytes) }));
  await vault.putMany({ target: 'secrets', tenantId, records });
  const { table, ids } = await pieces();
  const own = ids.filter((piece) => !before.has(piece));
  assert.equal(own.length, lost.length);
  const is = (kind: string): string =>
    `update pg_class set relkind = '${kind}' where oid = '${table}'::regclass`;
  // Nobody may write to such a table, which therefore is another kind of table for a moment.
  await store.query(`begin; ${is('r')}; delete from ${table} where chunk_id in (${own.join(', ')}) and chunk_seq = 1;
    ${is('t')}; commit`);
  await store.query('vacuum secrets'); // of these pieces, what was deleted is seen until then
  const read = (id: string) => store.query('select md5(ciphertext) from secrets where id = $1', [id]);
  for (const id of lost) await assert.rejects(read(id), { code: 'XX001' });
}

async function under(tenantId: string, keyNumber: number): Promise<string[]> {
  const { rows } = await store.query<{ id: string }>(
    'select id from secrets where tenant_id = $1 and key_number = $2 order by id',
    [tenantId, keyNumber],
  );
  return rows.map(({ id }) => id);
}

test('a record that Postgres cannot read is set aside as UNREADABLE, and all others are rotated', async () => {
  const { tenantId, ids } = await core.tenantWith(450);
  const lost = [ids[7] ?? '', ids[301] ?? ''].sort();
  await putAndLose(tenantId, lost);
  // Beside one of the same size that it can read.
  const large = randomBytes(apartBytes);
  await vault.put({ target: 'secrets', tenantId, id: ids[20] ?? '', value: large });

  const view = await core.startAndRotate(tenantId);
  assert.deepEqual(
    [view.status, view.itemsRotated.secrets, view.itemsFailed.secrets, view.itemsRemaining.secrets],
    ['completed_with_failures', 448, 2, 0],
  );
  const { failures } = await listFailures(store, view.id, { after: null, limit: 100 });
  assert.deepEqual(
    failures.map(({ recordId, reason }) => [recordId, reason]).sort(),
    lost.map((id) => [id, 'UNREADABLE']),
  );
  assert.deepEqual(await under(tenantId, 1), lost);
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id: ids[20] ?? '' }), large);

  // Written anew, it is a record like any other.
  for (const id of lost) await vault.put({ target: 'secrets', tenantId, id, value: Buffer.of(1) });
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
});

test('where Postgres can read none of them, each is named, over several windows', async () => {
  const { tenantId, ids } = await core.tenantWith(40);
  await putAndLose(tenantId, ids);
  const rotationId = await core.start(tenantId);
  // Sixteen batches of one record are a window.
  while ((await rotate({ ...env, batchSize: fixedBatchSize(1) }, rotationId, signal)) === 'left');
  const { failures } = await listFailures(store, rotationId, { after: null, limit: 100 });
  assert.deepEqual(
    failures.map(({ reason }) => reason),
    ids.map(() => 'UNREADABLE'),
  );
  assert.deepEqual(await under(tenantId, 1), ids.toSorted());
});
