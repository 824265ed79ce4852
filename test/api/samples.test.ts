import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, SamplesResponse } from '@rekey/contract';
import { beat } from '@rekey/control';
import { thisFile } from '../harness/cleanup.ts';
import { rotationCore } from '../harness/rotation.ts';
import { bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const core = await rotationCore(thisFile, api.database);
const pool = api.database.pool();

interface Point {
  readonly at: string;
  readonly itemsDone: number;
  readonly itemsPerSecond: number;
  readonly waitingFor: string | null;
}
const samplesOf = async (rotationId: string): Promise<Point[]> => {
  const answer = await api.send({ path: `${rotationsPath}/${rotationId}/samples`, headers: bearer() });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(SamplesResponse, answer.json), answer.text);
  return answer.json.data.samples;
};
const started = async (): Promise<string> =>
  (await api.send(rotateCall(await emptyTenant(api.database)))).json.data.rotationId;
/** As if the time had come for the next one. */
const wait = (rotationId: string): Promise<unknown> =>
  pool.query(`set session_replication_role = replica;
    update rekey.rotations set started_at = started_at - interval '1 hour' where id = '${rotationId.slice(4)}';
    update rekey.rotation_samples set at = at - interval '1 hour' where rotation_id = '${rotationId.slice(4)}';
    set session_replication_role = origin`);

test('what is told of a running rotation is kept, with what it waits for, once each interval', async () => {
  const rotationId = await started();
  assert.deepEqual(await samplesOf(rotationId), []);
  await wait(rotationId);
  await beat(core.store, rotationId.slice(4), 'kms');
  await beat(core.store, rotationId.slice(4));
  const [first, ...more] = await samplesOf(rotationId);
  assert.deepEqual(more, []);
  assert.deepEqual([first?.itemsDone, first?.waitingFor], [0, 'kms']);
  await wait(rotationId);
  await beat(core.store, rotationId.slice(4));
  assert.deepEqual(
    (await samplesOf(rotationId)).map(({ waitingFor }) => waitingFor),
    ['kms', null],
  );
});

test('however long a rotation takes, at most 360 points are kept, over all of it and as far from each other', async () => {
  const rotationId = await started();
  const id = rotationId.slice(4);
  await wait(rotationId);
  // As 359 of them stand once a second for so long; what comes now is told by a worker.
  await pool.query(
    `insert into rekey.rotation_samples (rotation_id, at, place, every_seconds, items_done, items_per_second)
     select $1, now() - (360 - n) * interval '1 second', n, 1, n * 10, 10 from generate_series(1, 359) n`,
    [id],
  );
  const tell = (done: number): Promise<unknown> =>
    pool.query('select rekey.keep_progress($1, 0, $2)', [
      id,
      JSON.stringify({ rotated: { secrets: done - 1 }, failed: { apiKeys: 1 }, itemsPerSecond: 10 }),
    ]);
  const later = (seconds: number): Promise<unknown> =>
    pool.query(
      `update rekey.rotation_samples set at = at - $2 * interval '1 second' - interval '1 hour' where rotation_id = $1`,
      [id, seconds],
    );
  await tell(3_600);
  const full = await samplesOf(rotationId);
  assert.deepEqual([full.length, full.at(-1)?.itemsDone], [360, 3_600]);
  await later(2);
  await tell(3_620);
  const thinned = await samplesOf(rotationId);
  assert.deepEqual(
    thinned.map(({ itemsDone }) => itemsDone),
    Array.from({ length: 181 }, (_, n) => (n + 1) * 20),
  );
  const { rows } = await pool.query(
    `select array_agg(distinct every_seconds) as every, array_agg(place order by at) as places
     from rekey.rotation_samples where rotation_id = $1`,
    [id],
  );
  assert.deepEqual(rows[0].every, [2]);
  assert.deepEqual(
    rows[0].places,
    Array.from({ length: 181 }, (_, n) => n + 1),
  );
});
