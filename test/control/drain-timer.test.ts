/** What the timer of a worker makes of a rotation that it cannot tell that its older DEK has drained. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainingTenants, switchDek } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createLogger } from '@rekey/runtime';
import { createDrainTimer } from '@rekey/worker';
import { patient } from '../harness/patient.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sessionsOn } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, pool, database } = core;
const prompt = openStore({
  ...patient,
  url: database.url,
  session: { lock_timeout: 300 },
  onError: () => {},
});
test.after(() => prompt.end());

/** A switched rotation whose older DEK nobody holds any more, which nobody has noticed. */
async function drained(owner: Parameters<typeof sessionsOn>[1]): Promise<string> {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const holder = await sessionsOn(database, owner).begin();
  await holder.query('select from rekey.hold_dek($1)', [tenantId]);
  assert.equal(await switchDek(store, order), 'draining');
  await holder.query('commit');
  return order.rotationId;
}
const isTold = async (rotationId: string): Promise<boolean> =>
  (await core.view(rotationId)).drainedAt !== null;

test('a rotation whose row is held keeps no other from being told that it has drained, and is told later', async (t) => {
  const [held, ...others] = [await drained(t), await drained(t), await drained(t)] as [
    string,
    string,
    string,
  ];
  const drain = createDrainTimer({
    store: prompt,
    waitingStore: store,
    looksMax: 1,
    ticketQueue: { enqueueRanges: async () => true },
    publish: () => {},
    logger: createLogger({ name: 'worker', level: 'silent', write: () => {} }),
  });
  const blocker = await pool.connect();
  try {
    await blocker.query('begin');
    await blocker.query('select from rekey.rotations where id = $1 for update', [held]);
    await assert.rejects(drain(), { code: 'LOCKED' });
    for (const rotationId of others) assert.equal(await isTold(rotationId), true);
    assert.equal(await isTold(held), false);
    assert.deepEqual(await drainingTenants(store), [], 'it is found nowhere else');
    await blocker.query('commit');
  } finally {
    await blocker.query('rollback');
    blocker.release();
  }
  await until(
    async () => {
      await drain();
      return isTold(held);
    },
    { what: 'it is told, too' },
  );
});
