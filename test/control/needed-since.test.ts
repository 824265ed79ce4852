/** Since when a rotation needs somebody, whoever goes on giving signs of life for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beat, summarize, type WaitingFor } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store } = core;

async function waiting(waitingFor: WaitingFor, since: string | null): Promise<string> {
  const rotationId = await core.start(await core.createTenant());
  await beat(store, rotationId, waitingFor, { what: 'as it is', since, todo: 'act' });
  return rotationId;
}
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

test('it is since when it waits, those that have waited longest first, and not since the last heartbeat', async () => {
  const [earlierDay, laterDay] = [daysAgo(40), daysAgo(39)];
  const later = await waiting('internal', laterDay);
  const first = await waiting('kek_suspended', earlierDay);
  // What a worker of ours does not write is passed over: it may not keep the summary from anybody.
  const odd: string[] = [];
  for (const since of ['2098-02-31T00:00:00Z', 'yesterday', '2026-13-01T00:00:00Z', '', null])
    odd.push(await waiting('integrity', since));
  for (const rotationId of [first, later]) {
    const again = { what: 'as it is', since: new Date().toISOString(), todo: 'act' };
    const waitingFor = rotationId === first ? 'kek_suspended' : 'internal';
    assert.notEqual(await beat(store, rotationId, waitingFor, again), null);
  }
  const { named } = await summarize(store, null);
  assert.deepEqual(
    named.slice(0, 2).map(({ id, since }) => [id, since.toISOString()]),
    [
      [first, earlierDay],
      [later, laterDay],
    ],
  );
  assert.deepEqual(
    named
      .slice(2)
      .map(({ id }) => id)
      .sort(),
    odd.sort(),
  );
});
