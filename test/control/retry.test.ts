import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { listFailures } from '@rekey/control';
import { retries, secretsOf } from '../harness/retries.ts';
import { rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, vault } = core;
const { retry, retried, cancelled } = retries(store);

test('a value that was too large for a while is swept by a retry once it is not', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const [id = ''] = ids;
  const value = Buffer.alloc(3_000, 7);
  await vault.put({ target: 'secrets', tenantId, id, value });
  await store.query(`select rekey.change_setting('value_bytes_max', 1000)`);
  const first = await core.startAndRotate(tenantId);
  const { failures } = await listFailures(store, first.id, { after: null, limit: 9 });
  assert.deepEqual(
    failures.map(({ recordId, reason }) => [recordId, reason]),
    [[id, 'TOO_LARGE']],
  );
  await store.query(`select rekey.change_setting('value_bytes_max', 100000)`);
  const ended = await core.finish((await retried(first)).id);
  assert.deepEqual([ended.status, secretsOf(ended)], ['completed', [1, 1, 0, 0, 0]]);
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), value);
});

test('superseded, unfinished, in the way, unknown: each is refused, and nothing is written', async () => {
  const { tenantId } = await core.tenantWith(3);
  const before = await cancelled(await core.start(tenantId));
  assert.equal((await retry(before)).kind, 'superseded', 'it never switched');
  await insertSecret(store, tenantId, 1);
  const first = await core.startAndRotate(tenantId);
  assert.equal(first.status, 'completed_with_failures');
  const runningId = await core.start(tenantId);
  assert.deepEqual(await retry(first), { kind: 'in_progress', rotationId: runningId });
  const running = { id: runningId, tenantId };
  assert.deepEqual(await retry(running), { kind: 'in_progress', rotationId: runningId });
  await cancelled(runningId);
  // A later rotation that never switched is in nobody's way; one that did is.
  const second = await retried(first);
  await cancelled(second.id);
  await core.startAndRotate(tenantId);
  assert.equal((await retry(first)).kind, 'superseded');
  assert.equal((await retry(second)).kind, 'superseded');
  assert.deepEqual(await retry({ id: randomUUID(), tenantId }), { kind: 'not_found' });
  const { rows } = await store.query('select count(*)::int as n from rekey.rotations where retry_of = $1', [
    first.id,
  ]);
  assert.deepEqual(rows, [{ n: 1 }]);
});

test('of many calls at once one begins a retry, and the others are told of it; a rotate call is refused beside it', async () => {
  const { tenantId } = await core.tenantWith(3);
  await insertSecret(store, tenantId, 1);
  const first = await core.startAndRotate(tenantId);
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => retry(first)));
  assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), [
    'changed',
    ...Array.from({ length: 7 }, () => 'unchanged'),
  ]);
  const ids = new Set(outcomes.map((outcome) => 'view' in outcome && outcome.view.id));
  assert.equal(ids.size, 1);
  const [id] = ids;
  assert.deepEqual(await core.tryToStart(tenantId), { kind: 'in_progress', rotationId: id });
  // Retries beside rotations, over and over: one at a time, and none to a DEK that is not the active one.
  await cancelled(String(id));
  const race = await Promise.all([
    retry(first),
    core.tryToStart(tenantId),
    retry(first),
    core.tryToStart(tenantId),
  ]);
  assert.equal(race.filter(({ kind }) => kind === 'changed' || kind === 'started').length, 1);
});

test('a retry begins as the guard says, whoever inserts it', async () => {
  const { tenantId } = await core.tenantWith(2);
  await insertSecret(store, tenantId, 1);
  const first = await core.startAndRotate(tenantId);
  const other = await core.startAndRotate(await core.createTenant());
  const insert = (given: Readonly<Record<string, string>> = {}): Promise<string | undefined> => {
    const values: Record<string, string> = {
      id: 'gen_random_uuid()',
      tenant_id: 'r.tenant_id',
      retry_of: 'r.id',
      previous_dek_id: 'r.previous_dek_id',
      new_dek_id: 'r.new_dek_id',
      items_to_rotate: "'{}'",
      initiated_by: "'{}'",
      estimated_completion: 'now()',
      switched_at: 'r.switched_at',
      drained_at: 'r.drained_at',
      churn_at_switch: "'{}'",
      ...given,
    };
    return sqlState(
      store.query(
        `insert into rekey.rotations (${Object.keys(values)}) select ${Object.values(values)} from rekey.rotations r where r.id = $1`,
        [first.id],
      ),
    );
  };
  for (const given of [
    { tenant_id: `'${other.tenantId}'` },
    { new_dek_id: `'${other.newDekId}'` },
    { new_dek_id: 'r.previous_dek_id' },
    { previous_dek_id: 'null' },
    { switched_at: 'null' },
    { switched_at: 'now()' },
    { drained_at: 'null' },
    { churn_at_switch: 'null' },
    { phase: "'sweeping'" },
    { status: "'completed'", phase: "'done'", completed_at: 'now()' },
    { retry_of: 'null' },
    { retry_of: `'${other.id}'` },
    { retry_of: 'gen_random_uuid()' },
  ])
    assert.equal(await insert(given), 'RK005', JSON.stringify(given));
  assert.equal(await insert(), undefined);
  assert.equal(
    await sqlState(store.query('update rekey.rotations set retry_of = null where retry_of = $1', [first.id])),
    'RK005',
  );
});
