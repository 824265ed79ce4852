/**
 * Interleavings of the switch, staged one by one: what random load hardly ever meets. Each with eight lock rows for the
 * DEK that drains (a tenant's first one) and with one, unless it says otherwise.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cancelRotation, drainOlder, switchDek } from '@rekey/control';
import type { PoolClient } from 'pg';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { type Sessions, sessionsOn, sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;

type Locks = 'eight locks' | 'one lock';

interface Stage extends Sessions {
  readonly tenantId: string;
  /** The number of the active DEK; the next ones follow. */
  readonly key: number;
}

async function stageOf(locks: Locks, owner: TestContext): Promise<Stage> {
  const tenantId = await core.createTenant();
  if (locks === 'one lock') await core.startAndRotate(tenantId);
  return { tenantId, key: locks === 'one lock' ? 2 : 1, ...sessionsOn(database, owner) };
}

/** The same schedule for a DEK with eight lock rows and for one with a single row. */
function schedule(name: string, play: (stage: Stage, t: TestContext) => Promise<void>): void {
  for (const locks of ['eight locks', 'one lock'] as const)
    test(`${name} (${locks})`, async (t) => play(await stageOf(locks, t), t));
}

const hold = async (on: PoolClient, tenantId: string): Promise<number | undefined> =>
  (await on.query('select key_number from rekey.hold_dek($1)', [tenantId])).rows[0]?.key_number;

const switched = async (tenantId: string, on: Parameters<typeof switchDek>[0] = store): Promise<string> =>
  switchDek(on, await readyToSwitch(core, tenantId));

/** A switch that is to be followed by another one. */
async function switchAndLeave(tenantId: string): Promise<string> {
  const order = await readyToSwitch(core, tenantId);
  const outcome = await switchDek(store, order);
  await cancelRotation(store, order.rotationId);
  return outcome;
}

const pidOf = (session: PoolClient): number => ('processID' in session ? Number(session.processID) : 0);

schedule(
  'a stale write and a hold that meet an uncommitted closing wait for its commit only',
  async ({ tenantId, key, begin, waitsForLock }) => {
    const [switching, stale, holder] = [await begin(), await begin(), await begin()];
    assert.equal(await switched(tenantId, switching), 'drained');
    const write = sqlState(insertSecret(stale, tenantId, key));
    const held = hold(holder, tenantId);
    await Promise.all([waitsForLock(stale), waitsForLock(holder)]);
    await switching.query('commit');
    assert.equal(await write, 'RK001', 'the locked row is looked at again');
    assert.equal(await held, key + 1);
  },
);

schedule(
  'a switch that is rolled back lets those who waited for it pass under the old key',
  async ({ tenantId, key, begin, waitsForLock }) => {
    const [switching, writer, holder] = [await begin(), await begin(), await begin()];
    assert.equal(await switched(tenantId, switching), 'drained');
    const write = sqlState(insertSecret(writer, tenantId, key));
    const held = hold(holder, tenantId);
    await Promise.all([waitsForLock(writer), waitsForLock(holder)]);
    await switching.query('rollback');
    assert.equal(await write, undefined);
    assert.equal(await held, key);
    await insertSecret(holder, tenantId, key);
    await Promise.all([writer.query('commit'), holder.query('commit')]);
  },
);

schedule(
  'a session that is killed before the commit of its switch has moved nothing',
  async ({ tenantId, key, begin, waitsForLock }) => {
    const [switching, writer] = [await begin(), await begin()];
    switching.on('error', () => {});
    await switched(tenantId, switching);
    const write = sqlState(insertSecret(writer, tenantId, key));
    await waitsForLock(writer);
    await store.query('select pg_terminate_backend($1)', [pidOf(switching)]);
    assert.equal(await write, undefined);
    assert.deepEqual((await core.deks(tenantId)).slice(-2), [`${key} active`, `${key + 1} pre_active`]);
  },
);

test('a closing that is rolled back, or whose session is killed, lets an older writer pass and is left to the next one', async (t) => {
  const { tenantId, key, begin, waitsForLock } = await stageOf('one lock', t); // of eight the one it falls to may be closed
  const [holder, old, rolledBack, killed] = [await begin(), await begin(), await begin(), await begin()];
  await old.query('select pg_current_xact_id()');
  await hold(holder, tenantId);
  assert.equal(await switched(tenantId), 'draining');
  await holder.query('rollback');
  assert.equal(await drainOlder(rolledBack, tenantId), true);
  await rolledBack.query('rollback');
  assert.equal(await drainOlder(killed, tenantId), true);
  killed.on('error', () => {});
  const write = sqlState(insertSecret(old, tenantId, key));
  await waitsForLock(old);
  await store.query('select pg_terminate_backend($1)', [pidOf(killed)]);
  assert.equal(await write, undefined);
  assert.equal(await drainOlder(store, tenantId), false);
  await old.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
});

for (const isolation of ['repeatable read', 'serializable'] as const) {
  schedule(
    `${isolation}: a snapshot from before the switch gets 40001 after the drain, by hold and by a plain write`,
    async ({ tenantId, key, begin }) => {
      const [holder, plain] = [await begin(isolation), await begin(isolation)];
      for (const each of [holder, plain]) await each.query('select 1 from rekey.tenants limit 1');
      assert.equal(await switched(tenantId), 'drained');
      assert.equal(await sqlState(hold(holder, tenantId)), '40001');
      assert.equal(await sqlState(insertSecret(plain, tenantId, key)), '40001');
    },
  );

  test(`${isolation}: a snapshot from before the switch writes under the old key while that drains, and the drain waits`, async (t) => {
    const { tenantId, key, begin } = await stageOf('one lock', t); // of eight the one it falls to may be closed
    const [holder, late, plain] = [await begin(), await begin(isolation), await begin(isolation)];
    await hold(holder, tenantId);
    for (const each of [late, plain]) await each.query('select 1 from rekey.tenants limit 1');
    assert.equal(await switched(tenantId), 'draining');
    await insertSecret(plain, tenantId, key);
    assert.equal(await hold(late, tenantId), key);
    await holder.query('commit');
    assert.equal(await drainOlder(store, tenantId), false);
    await insertSecret(late, tenantId, key);
    await late.query('commit');
    assert.equal(await drainOlder(store, tenantId), false, 'the plain one writes under it still');
    await plain.query('commit');
    assert.equal(await drainOlder(store, tenantId), true);
  });
}

schedule('n, n + 1, n + 2 with the first two held: drained when both are over', async (stage) => {
  const { tenantId, key, begin } = stage;
  const [first, second] = [await begin(), await begin()];
  assert.equal(await hold(first, tenantId), key);
  assert.equal(await switchAndLeave(tenantId), 'draining');
  assert.equal(await hold(second, tenantId), key + 1);
  assert.equal(await switched(tenantId), 'draining');
  assert.equal(await drainOlder(store, tenantId), false);
  await insertSecret(second, tenantId, key + 1);
  await second.query('commit');
  assert.equal(await drainOlder(store, tenantId), false);
  await insertSecret(first, tenantId, key);
  await first.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
});

schedule(
  'a hold in a savepoint that is rolled back holds nothing any more',
  async ({ tenantId, key, begin }) => {
    const holder = await begin();
    await holder.query('select pg_current_xact_id()');
    await holder.query('savepoint s');
    assert.equal(await hold(holder, tenantId), key);
    await holder.query('rollback to savepoint s');
    assert.equal(await switched(tenantId), 'drained');
    assert.equal(await sqlState(insertSecret(holder, tenantId, key)), 'RK001');
  },
);

schedule('a hold in a savepoint that is released holds to the end', async ({ tenantId, key, begin }) => {
  const holder = await begin();
  await holder.query('savepoint a');
  assert.equal(await hold(holder, tenantId), key);
  await holder.query('release savepoint a');
  await holder.query('savepoint b');
  assert.equal(await switched(tenantId), 'draining');
  await holder.query('rollback to savepoint b');
  await insertSecret(holder, tenantId, key);
  assert.equal(await drainOlder(store, tenantId), false);
  await holder.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
});

schedule(
  'a write in a savepoint that is rolled back leaves nothing, and what was held before it stays held',
  async ({ tenantId, key, begin }) => {
    const [holder, writer] = [await begin(), await begin()];
    await hold(holder, tenantId);
    for (const each of [holder, writer]) {
      await each.query('savepoint s');
      await insertSecret(each, tenantId, key);
      await each.query('rollback to savepoint s');
    }
    assert.equal(await switched(tenantId), 'draining');
    await insertSecret(holder, tenantId, key);
    await holder.query('commit');
    assert.equal(await drainOlder(store, tenantId), true);
    assert.equal(await sqlState(insertSecret(writer, tenantId, key)), 'RK001');
  },
);

schedule(
  'a session that waits for a lock exclusively keeps no writer waiting',
  async ({ tenantId, key, begin, waitsForLock }) => {
    const [holder, waiting, writer] = [await begin(), await begin(), await begin()];
    await hold(holder, tenantId);
    assert.equal(await switched(tenantId), 'draining');
    const exclusive = waiting.query(
      'select 1 from rekey.dek_locks where tenant_id = $1 and key_number = $2 for update',
      [tenantId, key],
    );
    await waitsForLock(waiting);
    for (const each of [holder, writer]) await each.query(`set local lock_timeout = '50ms'`);
    assert.equal(await hold(writer, tenantId), key + 1);
    await insertSecret(writer, tenantId, key + 1);
    await insertSecret(holder, tenantId, key);
    assert.equal(await drainOlder(store, tenantId), false);
    await holder.query('commit');
    await exclusive;
  },
);
