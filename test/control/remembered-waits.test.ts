/** What a rotation is said to wait for, and since when, where several workers take turns and each says what it met. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beat, type MetWaiting, pauseRotation, resumeRotation, type WaitingFor } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, pool } = core;
const start = async (): Promise<string> => core.start(await core.createTenant());

const refusal = (kek: string): MetWaiting => ({
  what: `KEK ${kek} is refused`,
  since: null,
  todo: 'enable it',
});
const lacking: MetWaiting = { what: 'it lacks KEK a', since: null, todo: 'start one', ofOneWorker: true };

/** What is told then: for what, in which words, since when. */
async function says(rotationId: string, waitingFor: WaitingFor | null, detail: MetWaiting | null = null) {
  const snapshot = await beat(store, rotationId, waitingFor, detail);
  assert.ok(snapshot !== null);
  const { view } = snapshot;
  return [view.waitingFor, view.waitingDetail?.what ?? null, view.waitingDetail?.since ?? null] as const;
}
/** As if everything that was said had been said so long before. */
async function later(rotationId: string, seconds: number): Promise<void> {
  await pool.query(
    `update rekey.rotations r set waits = (
       select jsonb_object_agg(w.key, w.value || jsonb_build_object(
         'at', (w.value ->> 'at')::timestamptz - $2 * interval '1 second'))
       from jsonb_each(r.waits) w) where id = $1`,
    [rotationId, seconds],
  );
}

test('who lacks a KEK says nothing against whom the KMS refuses, for as long as that one may be away', async () => {
  const rotationId = await start();
  const refused = await says(rotationId, 'kek_suspended', refusal('a'));
  assert.deepEqual(refused.slice(0, 2), ['kek_suspended', 'KEK a is refused']);
  assert.notEqual(refused[2], null);
  assert.deepEqual(await says(rotationId, 'kms', lacking), refused);
  assert.deepEqual(await says(rotationId, 'kms', lacking), refused);
  assert.deepEqual(await says(rotationId, 'kek_suspended', refusal('a')), refused);
  await later(rotationId, 600);
  assert.deepEqual(await says(rotationId, 'kms', lacking), refused, 'it comes again within 10 min');
  await later(rotationId, 90);
  const alone = await says(rotationId, 'kms', lacking);
  assert.deepEqual(alone.slice(0, 2), ['kms', lacking.what], 'nobody has been refused since');
  assert.equal(JSON.stringify(await core.view(rotationId)).includes('ofOneWorker'), false);
  const anew = await says(rotationId, 'kek_suspended', refusal('a'));
  assert.ok((anew[2] ?? '') > (refused[2] ?? ''), 'it is another refusal');
});

test('nor against whom the KMS gives no answer: nobody is told to start a worker then', async () => {
  const rotationId = await start();
  assert.deepEqual((await says(rotationId, 'kms', lacking)).slice(0, 2), ['kms', lacking.what]);
  assert.deepEqual(await says(rotationId, 'kms'), ['kms', null, null]);
  assert.deepEqual(await says(rotationId, 'kms', lacking), ['kms', null, null]);
  await later(rotationId, 60);
  assert.deepEqual((await says(rotationId, 'kms', lacking)).slice(0, 2), ['kms', lacking.what]);
});

test('since when it waits for something is the same, whatever another worker says between, and of whichever KEK', async () => {
  const rotationId = await start();
  const [, , since] = await says(rotationId, 'kek_suspended', refusal('a'));
  assert.deepEqual((await says(rotationId, 'database')).slice(0, 2), ['database', null]);
  assert.deepEqual(await says(rotationId, 'kms', lacking), ['kek_suspended', 'KEK a is refused', since]);
  assert.equal(
    (await says(rotationId, 'internal', { what: 'a fault', since: null, todo: '' }))[0],
    'internal',
  );
  assert.deepEqual((await says(rotationId, null))[0], null);
  const again = await says(rotationId, 'kek_suspended', refusal('b'));
  assert.deepEqual(again, ['kek_suspended', 'KEK b is refused', since]);

  const table = (name: string): MetWaiting => ({ what: `table ${name}`, since: null, todo: '' });
  const [, , missing] = await says(rotationId, 'database', table('one'));
  assert.deepEqual(await says(rotationId, 'database', table('two')), ['database', 'table two', missing]);
  await later(rotationId, 60);
  const [, , later_] = await says(rotationId, 'database', table('one'));
  assert.ok((later_ ?? '') > (missing ?? ''), 'nobody had met it for long');
});

test('what somebody has resumed has waited for nothing yet', async () => {
  const rotationId = await start();
  const steering = {
    actor: { kind: 'user', realm: '', id: 'ada', name: null, email: null },
    reason: null,
  } as const;
  const [, , since] = await says(rotationId, 'kek_suspended', refusal('a'));
  await pauseRotation(store, rotationId, steering);
  await resumeRotation(store, rotationId, steering);
  assert.equal((await says(rotationId, 'kms', lacking))[1], lacking.what);
  const [, , anew] = await says(rotationId, 'kek_suspended', refusal('a'));
  assert.ok((anew ?? '') > (since ?? ''));
});

test('it is by the database: what a worker takes for the time is not asked, and whose lock it is tells it itself', async () => {
  const rotationId = await start();
  const { databaseMs, view } =
    (await beat(store, rotationId, 'internal', { what: 'w', since: null, todo: '' })) ?? {};
  const ago = (databaseMs ?? 0) - Date.parse(view?.waitingDetail?.since ?? '');
  assert.ok(ago >= 0 && ago < 60_000, `${ago}`);
  const began = '2026-01-01T00:00:00.000Z';
  const holder = { what: 'an old transaction', since: began, todo: 'end it' };
  assert.equal((await says(rotationId, 'lock', holder))[2], began);
  const [, , records] = await says(rotationId, 'lock', { what: '7 records', since: null, todo: '' });
  assert.ok((records ?? '') > began, 'not since that transaction began');
});
