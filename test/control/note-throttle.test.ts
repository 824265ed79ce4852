import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { noteThrottle, type Throttling } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, pool } = core;

test('from when the first holds a rotation back to when the last has ended each reason is told once, and the end', async () => {
  const rotationId = await core.start(await core.createTenant());
  const [one, other] = [randomUUID(), randomUUID()];
  const say = (process: string, signal: Throttling['signal'] | null, level: Throttling['level'] = 'slow') =>
    noteThrottle(store, rotationId, process, signal === null ? null : { signal, level, detail: 'd' });
  const told = async (): Promise<unknown[]> =>
    (
      await pool.query(
        `select kind, payload from rekey.events where rotation_id = $1 and kind like '%throttled' order by sequence`,
        [rotationId],
      )
    ).rows.map(({ kind, payload }) =>
      kind === 'rotation.throttled' ? `${payload.signal} ${payload.level}` : payload.seconds > 0.05,
    );

  await say(one, 'lag');
  await pool.query('select pg_sleep(0.1)');
  // A lock that comes and goes, and another signal behind it: all of it is one time of being held back.
  for (let round = 0; round < 3; round += 1) {
    await say(one, 'locks', 'stop');
    await say(one, 'locks', 'slow');
  }
  await say(other, 'load');
  await say(one, null);
  const told4 = ['lag slow', 'locks stop', 'locks slow', 'load slow'];
  assert.deepEqual(await told(), told4);
  await say(other, null);
  assert.deepEqual(await told(), [...told4, true], 'its seconds are those of all of it');
  await say(other, null);
  assert.deepEqual(await told(), [...told4, true]);
  await say(one, 'locks', 'stop');
  assert.deepEqual(await told(), [...told4, true, 'locks stop']);
});
