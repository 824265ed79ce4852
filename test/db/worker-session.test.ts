import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { completeRotation, takeUp } from '@rekey/control';
import { openStore, workerSession } from '@rekey/db';
import { planRanges } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';

const core = await rotationCore();
const { database } = core;

test('what a worker prepared when there was no rotation yet finds one among thousands by an index', async (t) => {
  const store = openStore({ url: database.url, session: workerSession, max: 1, onError: () => {} });
  t.after(() => store.end());
  const everyStatement = async (rotationId: string): Promise<void> => {
    const plan = { rotationId, tenantId: randomUUID(), newKeyNumber: 2 };
    await takeUp(store, rotationId);
    await planRanges({ store, sweepStore: store }, plan);
    await completeRotation(store, rotationId);
  };
  const readThrough = async (): Promise<Record<string, number>> => {
    await store.query('select pg_stat_force_next_flush()');
    const { rows } = await store.query<{ relname: string; seq_scan: string }>(
      `select relname, seq_scan from pg_stat_user_tables where relname in ('rotations', 'rotation_ranges')`,
    );
    return Object.fromEntries(rows.map(({ relname, seq_scan }) => [relname, Number(seq_scan)]));
  };

  await store.query('vacuum (analyze) rekey.rotations, rekey.rotation_ranges'); // as after a restore: known to be empty
  await everyStatement(randomUUID());
  const rotationId = await core.start(await core.createTenant());
  await store.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned)
     select $1, 'secrets', n, 1 from generate_series(1, 5000) n`,
    [rotationId],
  );
  // Other sessions tell what they read up to ten seconds later.
  await upToThreeTimes(t, async () => {
    const rotation = await core.start(await core.createTenant());
    const before = await readThrough();
    await everyStatement(rotation);
    assert.deepEqual(await readThrough(), before);
  });
});
