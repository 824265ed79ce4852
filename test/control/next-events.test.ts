import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { nextEvents, type UnwrittenEvent } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;

const names = (events: readonly UnwrittenEvent[]): string[] =>
  events.map(({ chain, sequence }) => `${chain}/${sequence}`);

/** All that is left, a few at a time; each batch is said to be written with the next call. */
async function takeAll(reader: string, atMost = 3): Promise<UnwrittenEvent[]> {
  const taken: UnwrittenEvent[] = [];
  for (let batch: UnwrittenEvent[] = []; ; ) {
    batch = await nextEvents(store, reader, batch, atMost);
    if (batch.length === 0) return taken;
    taken.push(...batch);
  }
}

/** Nobody reads, as after ten seconds of silence. */
const silence = (): Promise<unknown> =>
  store.query(`update rekey.event_reader set owned_until = clock_timestamp() - interval '1 second'`);

/** The lines of a chain, which must be all of its events, once each and in order. */
async function assertWhole(chain: string, events: readonly UnwrittenEvent[]): Promise<void> {
  const { rows } = await store.query<{ sequence: string }>(
    'select sequence from rekey.events where chain = $1 order by sequence',
    [chain],
  );
  assert.ok(rows.length > 0);
  assert.deepEqual(
    events.filter((event) => event.chain === chain).map(({ sequence }) => sequence),
    rows.map(({ sequence }) => sequence),
  );
}

test('every event is given once, with its tenant and rotation, and then there is nothing left', async () => {
  const reader = randomUUID();
  await silence();
  const tenants = await Promise.all([core.createTenant(), core.createTenant(), core.createTenant()]);
  const rotated = await Promise.all(tenants.map((tenantId) => core.startAndRotate(tenantId)));
  await store.query(`select rekey.change_setting('value_bytes_max', 1000000)`);
  const events = await takeAll(reader);
  for (const tenantId of tenants) await assertWhole(tenantId, events);
  assert.equal(new Set(names(events)).size, events.length);
  for (const { id, tenantId } of rotated) {
    const completed = events.filter(
      ({ kind, rotationId }) => kind === 'rotation.completed' && rotationId === id,
    );
    assert.deepEqual(
      completed.map((event) => event.tenantId),
      [tenantId],
    );
  }
  const [setting, ...more] = events.filter(({ kind }) => kind === 'setting.changed');
  assert.deepEqual(more, []);
  assert.equal(setting?.tenantId, null);
  assert.deepEqual(setting?.payload, { setting: 'value_bytes_max', from: 16 * 1024 * 1024, to: 1_000_000 });
  assert.equal(setting?.actor.kind, 'operator');
  assert.deepEqual(await takeAll(reader), []);
});

test('what commits later than what came after it is given all the same', async (t) => {
  const reader = randomUUID();
  await silence();
  const [slow, quick] = [randomUUID(), randomUUID()];
  const session = await sessionsOn(database, t).begin();
  await session.query(`insert into rekey.tenants (id, name) values ($1, 'slow')`, [slow]);
  await session.query('set constraints all immediate'); // appended, and not committed
  await store.query(`insert into rekey.tenants (id, name) values ($1, 'quick')`, [quick]);
  const first = await takeAll(reader);
  assert.ok(first.some(({ chain }) => chain === quick));
  assert.ok(!first.some(({ chain }) => chain === slow));
  await session.query('commit');
  await assertWhole(slow, await takeAll(reader));
});

test('one reads at a time; of one that fell silent another is given what was not written', async () => {
  await silence();
  const [first, second] = [randomUUID(), randomUUID()];
  const tenantId = await core.createTenant();
  const taken = await nextEvents(store, first, [], 2);
  assert.equal(taken.length, 2);
  assert.deepEqual(await nextEvents(store, second, [], 100), []);
  // What was given and not written is given again: to the same one too, as when an answer was lost.
  assert.deepEqual(names(await nextEvents(store, first, [], 2)), names(taken));
  assert.deepEqual(await nextEvents(store, first, taken.slice(0, 1), 0), []);
  await silence();
  const rest = await takeAll(second);
  assert.deepEqual(await nextEvents(store, first, [], 100), []);
  await assertWhole(tenantId, [...taken.slice(0, 1), ...rest]);
});

test('a reader whose time is far ahead, since the clock stepped back, is nobody', async () => {
  await store.query(
    `update rekey.event_reader set owner = gen_random_uuid(), owned_until = clock_timestamp() + interval '1 hour'`,
  );
  await core.createTenant();
  assert.notEqual((await takeAll(randomUUID())).length, 0);
});

test('readers at once are given everything, and nothing twice', async () => {
  await silence();
  const tenants = await Promise.all(Array.from({ length: 10 }, () => core.createTenant()));
  const taken = await Promise.all(Array.from({ length: 8 }, () => takeAll(randomUUID(), 5)));
  const events = taken.flat();
  assert.equal(taken.filter(({ length }) => length > 0).length, 1);
  for (const tenantId of tenants) await assertWhole(tenantId, events);
});

test('a setting that is changed past the function is recorded, one that stays as it is is not', async () => {
  await silence();
  await takeAll(randomUUID());
  await silence();
  await store.query(`update rekey.settings set value = value where name = 'value_bytes_max'`);
  await store.query(`update rekey.settings set value = 4242 where name = 'value_bytes_max'`);
  const events = await takeAll(randomUUID());
  assert.deepEqual(
    events.map(({ kind, payload }) => [kind, payload.to]),
    [['setting.changed', 4242]],
  );
});
