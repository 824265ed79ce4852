/** A worker whose machine has another time than the database's, and is set right in the midst of a rotation. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { tool } from '../harness/tool.ts';
import { until } from '../harness/wait.ts';

const faketime = await tool('libfaketime');
const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));
const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });
const minutes = 60_000;
type Told = StatusData & {
  readonly estimatedCompletion: string | null;
  readonly waitingDetail: { readonly since: string } | null;
};
const status = async (rotationId: string): Promise<Told> =>
  (await rekey.status(rotationId)).body.data as Told;

/** A worker whose clock is off by that, and what sets it anew while it runs. */
async function workerOff(offset: string) {
  const file = join(folder, `clock-${offset}`);
  await writeFile(file, offset);
  const worker = await rekey.addWorker({
    ...faketime.env,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    LOG_LEVEL: 'debug',
    ITEMS_PER_SECOND_MAX: '200',
    BATCH_SIZE: '20',
  });
  return { worker, set: (to: string) => writeFile(file, to) };
}

for (const offset of ['+2h', '-2h'])
  test(`with a worker whose clock is off by ${offset} nothing is measured by it, and set right in its midst a rotation goes on`, {
    skip: faketime.skip,
  }, async (t) => {
    const { worker, set } = await workerOff(offset);
    t.after(() => worker.stop());
    const [line = '{}'] = worker.logs().split('\n');
    const { time } = JSON.parse(line) as { time: string };
    const offMs = Date.parse(time) - Date.now();
    assert.ok(Math.abs(offMs) > 100 * minutes, `it is off: ${time}`);

    const { tenantId, records } = await rekey.seedTenant(1_700);
    const [held] = records.filter(({ target }) => target === 'secrets');
    const holder = await pool.connect();
    t.after(() => holder.release(true));
    await holder.query('begin');
    await holder.query('select from secrets where id = $1 for update', [held?.id]);
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    const near = (at: string | null, what: string): void => {
      if (at === null) return;
      const ms = Date.parse(at) - Date.now();
      assert.ok(Math.abs(ms) < 30 * minutes, `${what}: ${at}`);
    };
    const done = async (): Promise<number> => {
      const data = await status(rotationId);
      near(data.estimatedCompletion, 'estimatedCompletion');
      return Object.values(data.itemsRotated).reduce((sum, n) => sum + n, 0);
    };
    const first = await until(async () => ((await done()) >= 100 ? done() : undefined), {
      what: 'it sweeps',
    });
    // Back, or ahead, by two hours from one moment to the next.
    await set('+0');
    await until(async () => (await done()) > first + 200, { what: 'what is told of it goes on' });
    await set(offset);
    const waiting = await until(
      async () => {
        const { estimatedCompletion, waitingFor, waitingDetail } = await status(rotationId);
        near(estimatedCompletion, 'estimatedCompletion');
        return waitingFor === 'lock' && waitingDetail !== null ? waitingDetail : undefined;
      },
      { what: 'it waits for the lock', timeoutMs: 60_000 },
    );
    near(waiting.since, 'since');
    const { rows } = await pool.query<{ ago: number }>(
      `select extract(epoch from clock_timestamp() - heartbeat_at)::float8 as ago from rekey.rotations where id = $1`,
      [rotationId.slice(4)],
    );
    assert.ok(Math.abs(rows[0]?.ago ?? Number.NaN) < 60, 'its signs of life are by the database');
    await set('+0');
    await holder.query('commit');
    assert.equal((await rekey.ended(rotationId, { timeoutMs: 60_000 })).status, 'completed');
    assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  });
