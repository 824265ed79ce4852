/** When ordinary work gives way to a rotation because of a compromised key, and when not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { beat, findPlan, startPlan, takeUp } from '@rekey/control';
import { asKeks } from '@rekey/kms';
import { prepareSweep, sweepHere } from '@rekey/rotation';
import { createLogger } from '@rekey/runtime';
import { countKmsCalls } from '../../apps/worker/src/count-kms-calls.ts';
import { keepPlanning } from '../../apps/worker/src/keep-planning.ts';
import { createPrecedence } from '../../apps/worker/src/precedence.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, pool } = core;

async function compromise(tenantId: string): Promise<string> {
  const started = await core.tryToStart(tenantId, { compromise: true });
  if (started.kind !== 'started') throw new Error(started.kind);
  return started.view.id;
}
const age = (rotationId: string, seconds: number): Promise<unknown> =>
  pool.query(
    `update rekey.rotations set started_at = started_at - make_interval(secs => $2),
       heartbeat_at = heartbeat_at - make_interval(secs => $2) where id = $1`,
    [rotationId, seconds],
  );
async function taken(): Promise<boolean> {
  const precedence = createPrecedence(store);
  await precedence.look();
  return precedence.isTaken();
}

test('one that is queued takes precedence for a minute, one that is taken up while somebody works on it', async () => {
  assert.equal(await taken(), false);
  await core.start(await core.createTenant());
  assert.equal(await taken(), false, 'an ordinary one');
  const id = await compromise(await core.createTenant());
  assert.equal(await taken(), true);
  await age(id, 30);
  assert.equal(await taken(), true, 'it waits for a place');
  await age(id, 40);
  assert.equal(await taken(), false, 'nobody takes it');
  await takeUp(store, id);
  assert.equal(await taken(), true);
  await age(id, 6);
  assert.equal(await taken(), false, 'nobody works on it');
  await core.finish(id);
  assert.equal(await taken(), false);
});

test('one that waits for something takes none, also while a piece of it is at work here', async () => {
  const id = await compromise(await core.createTenant());
  await takeUp(store, id);
  await beat(store, id, 'kms', null);
  const precedence = createPrecedence(store);
  precedence.begins();
  await precedence.look();
  assert.equal(precedence.isTaken(), false);
  await beat(store, id, null, null);
  const givesWay = precedence.givesWay();
  precedence.begins();
  await until(() => precedence.isTaken(), { what: 'whoever begins it looks at once' });
  assert.equal(givesWay.aborted, true, 'what is under way is told to stop');
  assert.equal(precedence.givesWay().aborted, false, 'what begins later is not told yet');
  await core.finish(id);
  await precedence.look();
  assert.equal(precedence.isTaken(), false);
});

test('one whose first ranges wait for who holds the key takes precedence until there is nothing left to sweep', async () => {
  const { tenantId } = await core.tenantWith(30);
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select rekey.hold_dek($1)', [tenantId]);
  const id = await compromise(tenantId);
  const { signal } = new AbortController();
  const prepared = await prepareSweep(core.env, id, signal);
  assert.ok(prepared !== null && prepared.ranges.length > 1);
  const sweep = async (ranges: typeof prepared.ranges): Promise<void> => {
    assert.equal(await sweepHere(core.env, { ...prepared, ranges }, signal), 'done');
  };
  const waitsFor = async (): Promise<unknown> =>
    (await pool.query('select waiting_for from rekey.rotations where id = $1', [id])).rows[0].waiting_for;
  const [first, ...others] = prepared.ranges;
  assert.ok(first);
  await sweep([first]);
  assert.deepEqual([await waitsFor(), await taken()], ['lock', true], 'others are still to be swept');
  await beat(store, id, 'kms', null);
  assert.equal(await taken(), false, 'nothing of it can be done without the KMS');
  await beat(store, id, null, null);
  await sweep(others);
  assert.deepEqual(
    [await waitsFor(), await taken()],
    ['lock', false],
    'all is swept, who holds the key is waited for',
  );
  await holder.query('rollback');
  holder.release();
  await core.finish(id);
});

test('a plan waits while it is taken, also one that is being made', async () => {
  const { tenantId } = await core.tenantWith(1);
  const planId = randomUUID();
  const actor = { id: 'ada', name: null, email: null };
  await startPlan(store, { planId, tenantId, check: 'none', actor, idempotency: null });
  let isTaken = true;
  let looks = 0;
  const stop = new AbortController();
  const giveWay = new AbortController();
  const precedence = {
    isTaken: () => {
      looks += 1;
      return isTaken;
    },
    givesWay: () => giveWay.signal,
  };
  const planning = keepPlanning({
    env: core.env,
    heartbeatStore: store,
    kmsCalls: countKmsCalls(asKeks(core.kek)),
    precedence,
    logger: createLogger({ name: 'worker', level: 'silent' }),
    signal: stop.signal,
  });
  const owner = async (): Promise<unknown> =>
    (await pool.query('select owner, status from rekey.plans where id = $1', [planId])).rows[0];
  await until(() => looks > 0, { what: 'it looks' });
  assert.deepEqual(await owner(), { owner: null, status: 'in_progress' }, 'nobody has taken it up');
  giveWay.abort();
  isTaken = false;
  const seen = looks;
  await until(() => looks > seen + 1, { what: 'it was begun and given back' });
  stop.abort();
  await planning;
  assert.equal((await findPlan(store, planId))?.status, 'in_progress', 'it was not made');
});

test('from the fourth of a tenant within an hour on it holds up nobody', async () => {
  const tenantId = await core.createTenant();
  for (const expected of [true, true, true, false]) {
    const id = await compromise(tenantId);
    assert.equal(await taken(), expected);
    await core.finish(id);
  }
  const another = await compromise(await core.createTenant());
  assert.equal(await taken(), true, 'of another tenant');
  await core.finish(another);
});
