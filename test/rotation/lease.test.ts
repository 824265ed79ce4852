import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, completeRotation } from '@rekey/control';
import { claimRange, idText, proveRange, releaseLease, renewLease, restartRange } from '@rekey/data';
import { rotate, sweepRange } from '@rekey/rotation';
import { leaseMs } from '@rekey/times';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { sweepFacts, total } from '../harness/sweep-facts.ts';
import { beginSweep } from '../harness/sweep-step.ts';

const core = await rotationCore();
const never = new AbortController().signal;

test('a living lease is not claimed by another; a silent one is, and its late owner can do nothing any more', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  const range = { rotationId: sweep.rotationId, target: 'secrets', ordinal: 0 };
  assert.equal(await claimRange(core.store, range, randomUUID()), null);

  await core.pool.query(
    `update rekey.rotation_ranges set heartbeat_at = now() - make_interval(secs => $2) where rotation_id = $1`,
    [sweep.rotationId, leaseMs / 1_000 + 1],
  );
  const next = await claimRange(core.store, range, randomUUID());
  assert.ok(next);

  const facts = await sweepFacts(core.pool, sweep.rotationId);
  assert.equal(await sweep.write(read), null);
  assert.equal(await sweep.write(read, 'skip'), null);
  assert.equal(await renewLease(core.store, sweep.lease), false);
  assert.equal(await restartRange(core.store, sweep.lease), null);
  await releaseLease(core.store, sweep.lease);
  assert.deepEqual(await proveRange(sweep.env.sweepStore, sweep.target, sweep.lease), {
    kind: 'lost',
  });
  assert.deepEqual(await sweepFacts(core.pool, sweep.rotationId), facts);
  const left = await core.pool.query('select from secrets where tenant_id = $1 and key_number = $2', [
    tenantId,
    sweep.newKeyNumber,
  ]);
  assert.equal(left.rowCount, 0, 'nothing was written');
  assert.equal(await renewLease(core.store, next), true, 'the new owner was not disturbed');
});

test('a batch that waits while its lease is taken away writes nothing', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  const thief = await core.pool.connect();
  try {
    await thief.query('begin');
    await thief.query('update rekey.rotation_ranges set owner = $2 where rotation_id = $1', [
      sweep.rotationId,
      randomUUID(),
    ]);
    const writing = sweep.write(read).catch((error: { code: string }) => error.code);
    await thief.query('select pg_sleep(0.02)'); // within the sweep's patience of 50 ms
    await thief.query('commit');
    const outcome = await writing;
    assert.ok(outcome === null || outcome === 'LOCKED', String(outcome));
  } finally {
    thief.release();
  }
  const { rows } = await core.pool.query('select distinct key_number from secrets where tenant_id = $1', [
    tenantId,
  ]);
  assert.deepEqual(rows, [{ key_number: sweep.newKeyNumber - 1 }]);
  assert.equal((await sweepFacts(core.pool, sweep.rotationId)).rotated, 0);
});

test('a batch after a cancel writes nothing, and the cancelled rotation cannot complete', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  assert.equal(await sweep.write(read.slice(0, 5)), 5);
  assert.equal((await cancelRotation(core.store, sweep.rotationId)).kind, 'changed');
  const before = await core.view(sweep.rotationId);
  assert.equal(await sweep.write(read.slice(5)), null);
  assert.equal(await claimRange(core.store, sweep.lease, randomUUID()), null);
  assert.equal((await completeRotation(core.store, sweep.rotationId)).kind, 'finished');
  assert.equal(await rotate(sweep.env, sweep.rotationId, never), 'lost');
  assert.deepEqual(await core.view(sweep.rotationId), before);
  assert.equal(before.itemsRotated.secrets, 5);
});

test('a rotation with a range that is not proved does not complete, whoever asks', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const { rotationId } = await beginSweep(core, tenantId);
  const completed = async (): Promise<string> => (await completeRotation(core.store, rotationId)).kind;
  assert.equal(await completed(), 'not_proved');
  const prove = `with proving as materialized (select set_config('rekey.proving', $1::uuid::text, true))
    update rekey.rotation_ranges set proved_at = now() from proving where rotation_id = $1 and target = $2`;
  for (const target of ['credentials', 'api_keys']) {
    await core.pool.query(prove, [rotationId, target]);
    assert.equal(await completed(), 'not_proved');
  }
  // Of one target a proved range and one that is not.
  await core.pool.query(
    `with proving as materialized (select set_config('rekey.proving', $1::uuid::text, true))
     update rekey.rotation_ranges set upper_id = $2, proved_at = now() from proving
     where rotation_id = $1 and target = 'secrets'`,
    [rotationId, randomUUID()],
  );
  await core.pool.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, lower_id, planned)
     select rotation_id, target, 1, upper_id, 0 from rekey.rotation_ranges
     where rotation_id = $1 and target = 'secrets'`,
    [rotationId],
  );
  assert.equal(await completed(), 'not_proved');
});

test('renewals and batches at the same time keep the counts exact', async () => {
  const { tenantId } = await seedTenant(core.vault, 340);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  let renewals = 0;
  let over = false;
  const renewing = (async () => {
    while (!over) {
      assert.equal(await renewLease(core.store, sweep.lease), true);
      renewals += 1;
    }
  })();
  let written = 0;
  for (let from = 0; from < read.length; from += 2) {
    const pair = read.slice(from, from + 2);
    for (;;) {
      const taken = await sweep.write(pair).catch(() => undefined); // LOCKED by a renewal: again
      if (taken === undefined) continue;
      written += taken ?? 0;
      break;
    }
  }
  over = true;
  await renewing;
  assert.ok(renewals > 10);
  assert.equal(written, read.length);
  const { rows } = await core.pool.query(
    `select rotated::int, sealed::int, heartbeat_at > now() - interval '5 seconds' as alive
     from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
    [sweep.rotationId],
  );
  assert.deepEqual(rows, [{ rotated: read.length, sealed: read.length, alive: true }]);
});

test('a crash between batches loses no record: the next owner goes on behind the cursor and finds what was before it', async () => {
  const { tenantId } = await seedTenant(core.vault, 170);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  // Strided batches: the second of three is never written, and the cursor (wrongly) passes all of them.
  const stride = (n: number) => read.filter((_, i) => i % 3 === n);
  const last = read.at(-1);
  assert.ok(last);
  assert.equal(await sweep.write(stride(0)), stride(0).length);
  const cursor = idText('uuid', last.id);
  assert.equal(await sweep.write(stride(2), 'wait', { cursor }), stride(2).length);
  await releaseLease(core.store, sweep.lease);

  assert.equal(await rotate(sweep.env, sweep.rotationId, never), 'done');
  const view = await core.view(sweep.rotationId);
  assert.equal(view.status, 'completed');
  assert.equal(total(view.itemsRotated), 170, 'the proof found what the cursor had passed');
  const { rows } = await core.pool.query('select distinct key_number from secrets where tenant_id = $1', [
    tenantId,
  ]);
  assert.deepEqual(rows, [{ key_number: sweep.newKeyNumber }]);
});

test('the cursor moves only with the last batch of a window, and never back', async () => {
  const { tenantId } = await seedTenant(core.vault, 17);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  const cursorNow = async (): Promise<string | null> => {
    const { rows } = await core.pool.query<{ cursor_id: string | null }>(
      `select cursor_id from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
      [sweep.rotationId],
    );
    return rows[0]?.cursor_id ?? null;
  };
  await sweep.write(read.slice(0, 2));
  assert.equal(await cursorNow(), null);
  const fourth = read.at(3);
  assert.ok(fourth);
  const cursor = idText('uuid', fourth.id);
  await sweep.write(read.slice(2, 4), 'wait', { cursor });
  assert.equal(await cursorNow(), cursor);
  await sweep.write(read.slice(4, 5));
  assert.equal(await cursorNow(), cursor);
});

test('a range that is held elsewhere is not waited for', async () => {
  const { tenantId } = await seedTenant(core.vault, 17);
  const sweep = await beginSweep(core, tenantId);
  const rotation = {
    id: sweep.rotationId,
    tenantId,
    phase: 'sweeping' as const,
    previousDekId: null,
    newDekId: (await core.activeKey(tenantId)).id,
    newKeyNumber: sweep.newKeyNumber,
    switched: true,
    itemsPerSecondMax: null,
    compromise: false,
    kekId: null,
  };
  const { lease: range, target } = sweep;
  assert.equal(await sweepRange(core.environment(), { rotation, target, range, signal: never }), 'lost');
});
