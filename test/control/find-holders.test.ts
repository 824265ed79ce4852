import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { drainOlder, findHolders, type Holder, switchDek } from '@rekey/control';
import type { PoolClient } from 'pg';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, database } = core;

const hold = (on: PoolClient, tenantId: string): Promise<unknown> =>
  on.query('select rekey.hold_dek($1)', [tenantId]);

/** A look ends after 200 ms, in which a busy machine may not have asked at all. */
const found = (tenantId: string): Promise<Holder[]> =>
  until(
    async () => {
      const holders = await findHolders(store, tenantId);
      return holders.length > 0 && holders;
    },
    { what: 'who holds an older DEK is found' },
  );

test('a DEK drains only once a prepared transaction is ended, which is named by its gid', async (t) => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const holder = await sessionsOn(database, t).begin();
  await hold(holder, tenantId);
  assert.equal(await switchDek(store, order), 'draining');
  const { rows: settings } = await store.query<{ max: number }>(
    `select current_setting('max_prepared_transactions')::int as max`,
  );
  if (settings[0]?.max === 0) return t.skip('this server allows no prepared transactions');
  const gid = `rekey-test-${randomUUID()}`;
  await holder.query(`prepare transaction '${gid}'`);
  try {
    assert.equal(await drainOlder(store, tenantId), false);
    const holders = await found(tenantId);
    assert.deepEqual(
      holders.map(({ pid, gid }) => ({ pid, gid })),
      [{ pid: null, gid }],
    );
  } finally {
    await store.query(`rollback prepared '${gid}'`);
  }
  assert.equal(await drainOlder(store, tenantId), true);
});

for (const how of ['plainly', 'in a savepoint that was released'] as const) {
  test(`who holds an older DEK ${how} is found, and no writer waits for the look`, async (t) => {
    const tenantId = await core.createTenant();
    const order = await readyToSwitch(core, tenantId);
    const { begin } = sessionsOn(database, t);
    const [holder, writer] = [await begin(), await begin()];
    await holder.query(`set local application_name = 'forgetful'`);
    if (how !== 'plainly') await holder.query('savepoint s');
    await hold(holder, tenantId);
    if (how !== 'plainly') await holder.query('release savepoint s');
    await switchDek(store, order);
    await writer.query(`set local lock_timeout = '50ms'`);
    const [holders] = await Promise.all([
      found(tenantId),
      (async () => {
        for (let write = 0; write < 20; write += 1) {
          await hold(writer, tenantId);
          await insertSecret(writer, tenantId, 2);
        }
      })(),
    ]);
    const pid = 'processID' in holder ? holder.processID : undefined;
    assert.deepEqual(
      holders.map((holder) => [holder.pid, holder.applicationName]),
      [[pid, 'forgetful']],
    );
  });
}
