/** `retireAfterDays` of a policy: what a rotation left under an older DEK is swept again when that is out of use for so long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, damage, flipBit, pastTheTriggers } from '../harness/damage.ts';
import { holdsNobody } from '../harness/holds-nobody.ts';
import { all, core, levelOf, pool, put, round } from './policy-rounds-desk.ts';

/** A tenant with a record that did not open, left under DEK 1 since so many days; and how to mend it. */
async function leftBehind(days: number) {
  const { tenantId, ids } = await core.tenantWith(5);
  const [id = ''] = ids;
  const whole = await bytesOf(pool, 'secrets', id);
  await damage(pool, 'secrets', id, flipBit);
  const ended = await core.startAndRotate(tenantId);
  assert.equal(ended.status, 'completed_with_failures');
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.deks set deactivated_at = clock_timestamp() - $2::float8 * interval '24 hours'
       where tenant_id = $1 and state = 'deactivated'`,
      [tenantId, days],
    ),
  );
  const mend = () =>
    pastTheTriggers(pool, (tx) =>
      tx.query('update secrets set ciphertext = $2, key_number = 1 where id = $1', [id, whole]),
    );
  return { tenantId, ended, mend };
}
const told: string[] = [];
async function begunFor(tenantId: string): Promise<string | undefined> {
  const made = await round();
  told.push(...(made?.told ?? []).filter((one) => one.tenantId === tenantId).map(({ level }) => level));
  return (made?.begun ?? []).find((one) => one.tenantId === tenantId)?.rotationId;
}
const underFirst = async (tenantId: string): Promise<number> =>
  (await all('select count(*)::int as n from secrets where tenant_id = $1 and key_number = 1', [tenantId]))[0]
    .n;

test('what is left is retried when the older DEK is out of use for so long, without a new DEK, by the policy', async () => {
  const { tenantId, ended, mend } = await leftBehind(6.9);
  await put(tenantId, { retireAfterDays: 7 });
  assert.equal(await begunFor(tenantId), undefined, 'not before');
  assert.equal(await levelOf(tenantId), 'fresh');
  const later = await leftBehind(7.1);
  await put(later.tenantId, { retireAfterDays: null });
  assert.equal(await begunFor(later.tenantId), undefined, 'no policy says so');
  await put(tenantId, { retireAfterDays: 6 });
  await mend();
  const rotationId = await begunFor(tenantId);
  assert.ok(rotationId !== undefined);
  const [event] = await all(
    `select actor, payload from rekey.events where rotation_id = $1 and kind like 'rotation.re%' order by sequence limit 1`,
    [rotationId],
  );
  assert.deepEqual([event.actor.kind, event.actor.id], ['policy', 'policy-0.2']);
  const retried = await core.finish(rotationId);
  assert.deepEqual(
    [retried.status, retried.retryOf, retried.newDekId],
    ['completed', ended.id, ended.newDekId],
  );
  assert.equal(await underFirst(tenantId), 0);
  assert.equal(await begunFor(tenantId), undefined);
});

test('it begins inside of windows, in one of the places of rotations by policies, one at a time', async () => {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const windows = [{ days, from: at(120), to: at(180), timeZone: 'UTC' }];
  const [shut, one, two] = [await leftBehind(30), await leftBehind(20), await leftBehind(10)];
  await put(shut.tenantId, { retireAfterDays: 7, windows });
  for (const { tenantId } of [one, two]) await put(tenantId, { retireAfterDays: 7 });
  await put(null, { rotationsAtOnce: 1 });
  const first = (await round())?.begun ?? [];
  assert.deepEqual(
    first.map(({ tenantId }) => tenantId),
    [one.tenantId],
    'the one that has waited longest',
  );
  assert.deepEqual((await round())?.begun, [], 'the place is taken');
  await one.mend();
  await core.finish(first[0]?.rotationId ?? '');
  await two.mend();
  const next = (await round())?.begun ?? [];
  assert.deepEqual(
    next.map(({ tenantId }) => tenantId),
    [two.tenantId],
  );
  await core.finish(next[0]?.rotationId ?? '');
  await put(null, {});
  await put(shut.tenantId, {});
});

test('a tenant that somebody has holds up no other retry, and is next once it is free', async () => {
  const [first, second] = [await leftBehind(20), await leftBehind(10)];
  for (const { tenantId, mend } of [first, second]) {
    await put(tenantId, { retireAfterDays: 7 });
    await mend();
  }
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select from rekey.tenants where id = $1 for update', [first.tenantId]);
    const begun = (await holdsNobody(round()))?.begun ?? [];
    assert.deepEqual(
      begun.map(({ tenantId }) => tenantId),
      [second.tenantId],
    );
    await core.finish(begun[0]?.rotationId ?? '');
  } finally {
    await client.query('rollback');
    client.release();
  }
  assert.equal((await core.finish((await begunFor(first.tenantId)) ?? '')).status, 'completed');
});

test('what does not open for five retries is somebody’s, told once, and not tried again', async () => {
  const { tenantId, mend } = await leftBehind(8);
  await put(tenantId, { retireAfterDays: 7 });
  for (let n = 1; n <= 5; n += 1) {
    const rotationId = await begunFor(tenantId);
    assert.ok(rotationId !== undefined, `retry ${n}`);
    assert.equal((await core.finish(rotationId)).status, 'completed_with_failures');
    assert.equal(await begunFor(tenantId), undefined, 'not at once');
    await pastTheTriggers(pool, (tx) =>
      tx.query(
        `update rekey.rotations set completed_at = completed_at - $2::float8 * interval '1 minute' where tenant_id = $1`,
        [tenantId, 10 * 2 ** (n - 1) + 1],
      ),
    );
  }
  assert.equal(await levelOf(tenantId), 'orphaned');
  assert.equal(await begunFor(tenantId), undefined);
  assert.deepEqual(told, ['orphaned']);
  // A rotation, whoever begins it, brings along what is left.
  await mend();
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  assert.equal(await levelOf(tenantId), 'fresh');
});
