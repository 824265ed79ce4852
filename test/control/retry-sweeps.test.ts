import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFailures, switchDek } from '@rekey/control';
import { planRanges, prepareSweep, sweepHere } from '@rekey/rotation';
import { bytesOf, damage, flipBit, pastTheTriggers } from '../harness/damage.ts';
import { retries, secretsOf } from '../harness/retries.ts';
import { firstSecret, readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn } from '../harness/session.ts';

const core = await rotationCore();
const { store, vault, database, env } = core;
const { retry, retried, cancelled } = retries(store);
const pool = database.pool();
const signal = new AbortController().signal;

const rowOf = async (rotationId: string): Promise<unknown> =>
  (
    await store.query(
      `select to_jsonb(r) as it, (select jsonb_agg(g order by g.target, g.ordinal) from rekey.rotation_ranges g where g.rotation_id = r.id) as ranges,
         (select jsonb_agg(f order by f.record_id) from rekey.rotation_failures f where f.rotation_id = r.id) as failures
       from rekey.rotations r where r.id = $1`,
      [rotationId],
    )
  ).rows;

const numbersOf = async (tenantId: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await store.query<{ key_number: number; n: number }>(
        'select key_number, count(*)::int as n from secrets where tenant_id = $1 group by 1',
        [tenantId],
      )
    ).rows.map(({ key_number, n }) => [key_number, n]),
  );

/** Records of which one does not open, one is of no key, and one is refused by a constraint, and how each is mended. */
async function withSetAside() {
  const { tenantId, ids } = await core.tenantWith(40);
  const [flipped = '', refused = ''] = ids;
  const whole = await bytesOf(pool, 'secrets', flipped);
  await damage(pool, 'secrets', flipped, flipBit);
  const foreign = await insertSecret(store, tenantId, 1);
  await store.query(`update secrets set name = 'marked' where id = $1`, [refused]);
  const constraint = `none_marked_${tenantId.replaceAll('-', '')}`;
  await store.query(
    `alter table secrets add constraint ${constraint} check (name <> 'marked' or tenant_id <> '${tenantId}') not valid`,
  );
  const mend = {
    flipped: () =>
      pastTheTriggers(pool, (tx) =>
        tx.query('update secrets set ciphertext = $2, key_number = $3 where id = $1', [
          flipped,
          whole,
          whole.readUInt32BE(1),
        ]),
      ),
    refused: () => store.query(`alter table secrets drop constraint ${constraint}`),
    foreign: () => store.query('delete from secrets where id = $1', [foreign]),
  };
  return { tenantId, ids, mend };
}

test('what was set aside and mended by hand is swept by a retry, to the same DEK, with exact counts', async () => {
  const { tenantId, ids, mend } = await withSetAside();
  const first = await core.startAndRotate(tenantId);
  assert.deepEqual([first.status, secretsOf(first)], ['completed_with_failures', [41, 38, 0, 3, 0]]);
  const kept = await rowOf(first.id);
  const deks = await core.deks(tenantId);

  await mend.flipped();
  const second = await retried(first);
  assert.deepEqual(
    [second.status, second.phase, second.retryOf, second.newDekId, second.previousDekId, second.switchedAt],
    ['in_progress', 'queued', first.id, first.newDekId, first.previousDekId, first.switchedAt],
  );
  assert.deepEqual(secretsOf(second), [3, 0, 0, 0, 3]);
  const after = await core.finish(second.id);
  assert.deepEqual([after.status, secretsOf(after)], ['completed_with_failures', [3, 1, 0, 2, 0]]);
  assert.equal((await listFailures(store, second.id, { after: null, limit: 9 })).failures.length, 2);

  await mend.refused();
  await mend.foreign();
  const third = await core.finish((await retried(second)).id);
  assert.deepEqual([third.status, secretsOf(third)], ['completed', [2, 1, 1, 0, 0]]);
  assert.deepEqual(await numbersOf(tenantId), { 2: 40 });
  for (const id of ids)
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  assert.deepEqual(await core.deks(tenantId), deks, 'no DEK was made, none changed');
  assert.deepEqual(await rowOf(first.id), kept, 'what has ended stands as it stood');

  // Each has events of its own, which say who, why and what of.
  const { rows } = await store.query(
    `select kind, payload ->> 'retryOf' as of, payload ->> 'reason' as reason, actor ->> 'id' as who from rekey.events
     where rotation_id = $1 order by sequence`,
    [third.id],
  );
  assert.deepEqual(rows[0], { kind: 'rotation.requested', of: second.id, reason: 'mended', who: 'ada' });
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    ['rotation.requested', 'rotation.completed'],
    'it switched to nothing, and nothing drained',
  );
  // A DEK's own events name the rotation that it was made for, also when there are several of it.
  await store.query(`update rekey.deks set state = 'compromised' where id = $1`, [first.newDekId]);
  const { rows: said } = await store.query(
    `select rotation_id from rekey.events where kind = 'key.compromised' and chain = $1`,
    [tenantId],
  );
  assert.deepEqual(said, [{ rotation_id: first.id }]);
  assert.equal((await retry(first)).kind, 'superseded', 'nothing is swept to a compromised DEK');
});

test('after a cancel in mid-sweep a retry sweeps the rest, though the application went on', async () => {
  const { tenantId, ids } = await core.tenantWith(300);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(env, { ...order, newKeyNumber: 2 });
  for (const id of ids.slice(0, 100))
    await vault.put({ target: 'secrets', tenantId, id, value: firstSecret(id), columns: { name: 'n' } });
  const first = await cancelled(order.rotationId);
  const second = await retried(first);
  for (const id of ids.slice(100, 120))
    await vault.put({ target: 'secrets', tenantId, id, value: firstSecret(id), columns: { name: 'n' } });
  await store.query('delete from secrets where id = any ($1)', [ids.slice(120, 130)]);
  const ended = await core.finish(second.id);
  const [toRotate = 0, rotated, superseded, failed, remaining] = secretsOf(ended);
  assert.deepEqual([ended.status, rotated, failed, remaining], ['completed', 170, 0, 0]);
  assert.equal(superseded, toRotate - 170);
  assert.deepEqual(await numbersOf(tenantId), { 2: 290 });

  // Once more by its first id: what left nothing is the answer.
  const again = await retry(first);
  assert.deepEqual([again.kind, 'view' in again && again.view.id], ['unchanged', second.id]);
  assert.equal((await retry(ended)).kind, 'finished');
});

test('a retry of a retry counts what that one left, not what the first one did', async () => {
  const { tenantId } = await core.tenantWith(250);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  const first = await cancelled(order.rotationId);
  const second = await retried(first);
  assert.deepEqual(secretsOf(second), [250, 0, 0, 0, 250]);
  const sweep = await prepareSweep(env, second.id, signal, { claimItemsMax: 10_000 });
  assert.ok(sweep !== null);
  assert.equal(await sweepHere(env, sweep, signal), 'done');
  await cancelled(second.id);
  const third = await retried(first);
  assert.deepEqual([third.retryOf, secretsOf(third)], [first.id, [0, 0, 0, 0, 0]]);
  assert.deepEqual(
    [(await core.finish(third.id)).status, await numbersOf(tenantId)],
    ['completed', { 2: 250 }],
  );
});

test('transactions that hold an older DEK outlast a cancel: a retry waits for them before it proves anything', async (t) => {
  const { tenantId } = await core.tenantWith(20);
  const order = await readyToSwitch(core, tenantId);
  const { begin } = sessionsOn(database, t);
  const holder = await begin();
  await holder.query('select rekey.hold_dek($1)', [tenantId]);
  assert.equal(await switchDek(store, order), 'draining');
  const first = await cancelled(order.rotationId);
  assert.equal(first.drainedAt, null);

  const second = await retried(first);
  assert.equal(second.drainedAt, null);
  await core.rotateOnce(second.id);
  const proved = async (): Promise<number> =>
    (
      await store.query(
        'select from rekey.rotation_ranges where rotation_id = $1 and proved_at is not null',
        [second.id],
      )
    ).rowCount ?? 0;
  assert.equal(await proved(), 0);
  assert.deepEqual(await numbersOf(tenantId), { 2: 20 }, 'it is swept all the same');
  // Neither by hand: the guard asks for proofs.
  await assert.rejects(
    store.query(
      `update rekey.rotations set status = 'completed', phase = 'done', completed_at = now() where id = $1`,
      [second.id],
    ),
    { code: 'RK005' },
  );
  const late = await insertSecret(holder, tenantId, 1);
  await holder.query('commit');
  const ended = await core.finish(second.id);
  // What was written under the older DEK meanwhile is found, and opens under none.
  assert.deepEqual([ended.status, ended.itemsFailed.secrets], ['completed_with_failures', 1]);
  assert.ok(ended.drainedAt !== null);
  const { failures } = await listFailures(store, second.id, { after: null, limit: 9 });
  assert.deepEqual(
    failures.map(({ recordId }) => recordId),
    [late],
  );
});

test('with nothing left a retry completes with its own proof', async () => {
  const { tenantId, mend, ids } = await withSetAside();
  const first = await core.startAndRotate(tenantId);
  await mend.refused();
  await mend.foreign();
  for (const id of ids.slice(0, 2))
    await vault.put({ target: 'secrets', tenantId, id, value: firstSecret(id), columns: { name: 'n' } });
  const ended = await core.finish((await retried(first)).id);
  assert.deepEqual(
    [ended.status, secretsOf(ended), ended.percentComplete],
    ['completed', [3, 0, 3, 0, 0], 100],
  );
  const { rows } = await store.query(
    `select bool_and(proved_at > $2) as proved, sum(seen)::int as seen from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
    [ended.id, first.completedAt],
  );
  assert.deepEqual(rows, [{ proved: true, seen: 40 }]);
  const { rows: facts } = await store.query('select rekey.certificate_facts($1) as it', [ended.id]);
  assert.deepEqual([facts[0]?.it.rotationId, facts[0]?.it.retryOf], [`rot-${ended.id}`, `rot-${first.id}`]);
});

test('counts that are kept independently are held against the proofs of a retry too', async () => {
  const { tenantId, ids } = await core.tenantWith(10);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  const second = await retried(await cancelled(order.rotationId));
  const sweep = await prepareSweep(env, second.id, signal, { claimItemsMax: 10_000 });
  assert.ok(sweep !== null);
  assert.equal(await sweepHere(env, sweep, signal), 'done');
  await pastTheTriggers(pool, (tx) => tx.query('delete from secrets where id = $1', [ids[0]]));
  const { rows } = await store.query(
    'select target, seen::int, records::int, churn::int from rekey.rotation_counts($1) where seen > 0',
    [second.id],
  );
  assert.deepEqual(rows, [{ target: 'secrets', seen: 10, records: 10, churn: 0 }]);
  await store.query('select rekey.fold_counts(100000)');
  await store.query('update rekey.record_counts set records = records + 5 where tenant_id = $1', [tenantId]);
  await assert.rejects(
    store.query(
      `update rekey.rotations set status = 'completed', phase = 'done', completed_at = now() where id = $1`,
      [second.id],
    ),
    { code: 'RK005' },
  );
});
