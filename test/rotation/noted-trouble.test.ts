/** What is said of a range that met trouble, and how long: until somebody claims it again, and not once its rotation is held back. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  beat,
  cancelRotation,
  foldRanges,
  pauseRotation,
  resumeRotation,
  switchDek,
  type WaitingFor,
} from '@rekey/control';
import { claimRange, loadTargets, noteWaiting, openRanges, releaseLease } from '@rekey/data';
import { KmsError } from '@rekey/kms';
import { planRanges } from '@rekey/rotation';
import { prepareSweep } from '../../packages/rotation/src/advance.ts';
import { sweepRange } from '../../packages/rotation/src/sweep-range.ts';
import { kmsAway } from '../harness/kek.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, kek } = core;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };

/** A rotation that is planned, with a range of `secrets` that nobody has. */
async function planned() {
  const { tenantId, ids } = await core.tenantWith(20);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(core.env, { ...order, newKeyNumber: 2 });
  const { rotationId } = order;
  const range = (await openRanges(store, rotationId)).find(({ target }) => target === 'secrets');
  const target = (await loadTargets(store)).find(({ name }) => name === 'secrets');
  const sweep = await prepareSweep(core.env, rotationId, new AbortController().signal);
  assert.ok(range !== undefined && target !== undefined && sweep !== null);
  const noted = async (): Promise<string | null | undefined> => {
    const { rows } = await store.query<{ waiting_for: string | null }>(
      'select waiting_for from rekey.rotation_ranges where rotation_id = $1 and target = $2 and ordinal = $3',
      [rotationId, range.target, range.ordinal],
    );
    return rows[0]?.waiting_for;
  };
  /** By a worker that has opened nothing yet. */
  const tryToSweep = (signal = new AbortController().signal): Promise<unknown> =>
    sweepRange(core.environment(), { rotation: sweep.rotation, target, range, signal });
  return { tenantId, ids, rotationId, range, noted, tryToSweep };
}

/** Does `work` while the KEK answers like that. */
async function while_<T>(beforeUnwrap: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  kek.beforeUnwrap = beforeUnwrap;
  try {
    return await work();
  } finally {
    kek.beforeUnwrap = async () => {};
  }
}

/** Beats with that, and returns what the rotation is said to wait for then. */
async function said(
  rotationId: string,
  waitingFor?: WaitingFor,
  what?: string,
): Promise<[WaitingFor | null, string | null]> {
  const detail = what === undefined ? null : { what, since: new Date().toISOString(), todo: 'act' };
  const snapshot = await beat(store, rotationId, waitingFor, detail);
  assert.ok(snapshot !== null);
  return [snapshot.view.waitingFor, snapshot.view.waitingDetail?.what ?? null];
}

for (const [waitingFor, beforeUnwrap] of [
  ['kms', kmsAway],
  [
    'internal',
    async () => {
      throw new TypeError('not what a KEK throws');
    },
  ],
] as const)
  test(`a range that met trouble (${waitingFor}) says so until it is claimed again, whoever else beats`, async () => {
    const { rotationId, range, noted, tryToSweep } = await planned();
    await while_(beforeUnwrap, () => assert.rejects(tryToSweep()));
    assert.equal(await noted(), waitingFor);
    assert.deepEqual(await said(rotationId), [waitingFor, null]);
    const lease = await claimRange(store, range, randomUUID());
    assert.notEqual(lease, null, 'it was given back');
    assert.equal(await noted(), null);
    assert.deepEqual(await said(rotationId), [null, null]);
  });

test('one that met trouble says so no more when it is proved at the next try', async () => {
  const { rotationId, noted, tryToSweep } = await planned();
  await while_(kmsAway, () => assert.rejects(tryToSweep()));
  assert.equal(await noted(), 'kms');
  assert.equal(await tryToSweep(), 'done');
  assert.equal(await noted(), null);
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.waitingFor], ['completed', null]);
});

test('a worker that is told to stop leaves no trouble behind, nor does one whose lease is lost', async () => {
  const { rotationId, range, noted, tryToSweep } = await planned();
  await while_(kmsAway, () => assert.rejects(tryToSweep(AbortSignal.abort())));
  assert.equal(await noted(), null);

  const taking = async (): Promise<void> => {
    await store.query(`update rekey.rotation_ranges set owner = gen_random_uuid() where rotation_id = $1`, [
      rotationId,
    ]);
    await kmsAway();
  };
  await while_(taking, () => assert.rejects(tryToSweep()));
  assert.equal(await noted(), null);

  await store.query('update rekey.rotation_ranges set owner = null where rotation_id = $1', [rotationId]);
  const lease = await claimRange(store, range, randomUUID());
  assert.ok(lease !== null);
  await noteWaiting(store, lease, 'lock');
  assert.equal(await noted(), 'lock');
  await noteWaiting(store, { ...lease, owner: randomUUID() }, null);
  assert.equal(await noted(), 'lock', 'another one has the say');
});

test('of a KEK that is refused a rotation says the name, or nothing, and what others wait for does not take it away', async () => {
  const { rotationId, range, noted, tryToSweep } = await planned();
  const denied = async (): Promise<void> => {
    throw new KmsError('DENIED', 'the KMS refuses', { kekId: kek.id });
  };
  await while_(denied, () => assert.rejects(tryToSweep()));
  assert.equal(await noted(), 'kek_suspended');
  assert.deepEqual(await said(rotationId), [null, null], 'before the name is said');
  const name = ['kek_suspended', `KEK ${kek.id}`];
  assert.deepEqual(await said(rotationId, 'kek_suspended', `KEK ${kek.id}`), name);
  assert.deepEqual(await said(rotationId), name);
  assert.deepEqual(await said(rotationId, 'lock', '7 records'), name);
  assert.deepEqual(await said(rotationId), name);
  assert.deepEqual(await said(rotationId, 'internal'), ['internal', null]);
  assert.deepEqual(await said(rotationId, 'kek_suspended', `KEK ${kek.id}`), name);
  const lease = await claimRange(store, range, randomUUID());
  assert.ok(lease !== null);
  assert.deepEqual(await said(rotationId, 'lock', '7 records'), name, 'nothing of it is done yet');
  await releaseLease(store, lease);
  const notHeld = async (): Promise<void> => {
    throw new KmsError('NOT_HELD', 'this process does not have it', { kekId: kek.id });
  };
  await while_(notHeld, () => assert.rejects(tryToSweep()));
  assert.equal(await noted(), 'kek_suspended', 'what one worker lacks says nothing against it');
  assert.deepEqual(await said(rotationId), name);
  assert.equal(await tryToSweep(), 'done');
  assert.equal(await noted(), null);
  assert.deepEqual(await said(rotationId, 'lock', '7 records'), ['lock', '7 records']);
});

test('of a range that one worker lacks the KEK for it is said that it waits for the KMS', async () => {
  const { noted, tryToSweep } = await planned();
  const notHeld = async (): Promise<void> => {
    throw new KmsError('NOT_HELD', 'this process does not have it', { kekId: kek.id });
  };
  await while_(notHeld, () => assert.rejects(tryToSweep()));
  assert.equal(await noted(), 'kms');
});

test('the folded cells of a rotation that is paused, or has ended, say of nothing that it holds them up', async () => {
  const { rotationId, range } = await planned();
  const lease = await claimRange(store, range, randomUUID());
  assert.ok(lease !== null);
  await noteWaiting(store, lease, 'lock');
  const waiting = async (): Promise<Array<string | null>> =>
    (await foldRanges(store, rotationId, 10)).map(({ waitingFor }) => waitingFor).filter((is) => is !== null);
  assert.deepEqual(await waiting(), ['lock']);
  await pauseRotation(store, rotationId, steering);
  assert.deepEqual(await waiting(), []);
  await resumeRotation(store, rotationId, steering);
  assert.deepEqual(await waiting(), ['lock'], 'nobody has claimed it since');
  await cancelRotation(store, rotationId);
  assert.deepEqual(await waiting(), []);
});
