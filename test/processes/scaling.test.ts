/** What docs/metrics.md says of scaling workers, by a real Prometheus and something that does what an autoscaler does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '@rekey/stack';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { skipWithoutPrometheus, startPrometheus } from '../harness/prometheus.ts';
import { metricsUrl } from '../harness/scrape.ts';
import { firstValue } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const workersMax = 4;
/** A worker hands back what it has within a second; this is what a machine that stands still may add. */
const handOverMaxMs = 10_000;

test('workers follow what is waiting from one to four and back, never below one, and whoever goes hands over', {
  skip: skipWithoutPrometheus,
}, async (t) => {
  const rekey = await installation({
    workers: 0,
    apiEnv: { METRICS_PORT: '0' },
    workerEnv: { METRICS_PORT: '0', WORKER_CONCURRENCY: '1', BATCH_SIZE: '20' },
  });
  const [api] = rekey.apis;
  assert.ok(api !== undefined);
  const prometheus = await startPrometheus(t);
  const apiMetrics = await metricsUrl(api);
  const workers: RunningProcess[] = [];
  const scrapeAll = async (): Promise<void> =>
    prometheus.scrape([apiMetrics, ...(await Promise.all(workers.map(metricsUrl)))]);
  /** By the query of docs/metrics.md; each removal in ms. */
  const removals: number[] = [];
  let [least, most, belowOne] = [1, 1, 0];
  const owners = async (): Promise<number> =>
    Number(
      (
        await rekey.store.query<{ n: string }>(
          'select count(distinct owner) as n from rekey.rotation_ranges where owner is not null and proved_at is null',
        )
      ).rows[0]?.n,
    );
  async function remove(worker: RunningProcess): Promise<void> {
    const began = performance.now();
    worker.kill('SIGTERM');
    assert.deepEqual(await worker.exited, { code: 0, signal: null });
    removals.push(performance.now() - began);
    assert.ok((await owners()) <= workers.length, 'whoever went has no range any more');
  }
  workers.push(await rekey.addWorker());
  await scrapeAll();

  const stop = new AbortController();
  const scaler = (async () => {
    while (!stop.signal.aborted) {
      const waiting = await prometheus.ask('max(rekey_work_waiting)');
      // No answer is not zero.
      if (waiting !== undefined) {
        const wanted = Math.min(Math.max(waiting, 1), workersMax);
        if (wanted > workers.length)
          workers.push(
            ...(await Promise.all(Array.from({ length: wanted - workers.length }, () => rekey.addWorker()))),
          );
        else if (wanted < workers.length) await Promise.all(workers.splice(wanted).map(remove));
        if (waiting > 0 && workers.length < 1) belowOne += 1;
        [least, most] = [Math.min(least, workers.length), Math.max(most, workers.length)];
        await scrapeAll();
      }
      await sleep(250);
    }
  })();
  const failed = scaler.then(() => new Promise<never>(() => {}));
  failed.catch(() => {});

  const waiting = (figure: number) =>
    until(async () => (await prometheus.ask('max(rekey_work_waiting)')) === figure || null, {
      what: `Prometheus tells ${figure}`,
      timeoutMs: 60_000,
      everyMs: 250,
    });
  await waiting(0);
  const scaled = (what: string, isSo: (count: number) => boolean) =>
    Promise.race([failed, until(() => isSo(workers.length) || null, { what, timeoutMs: 60_000 })]);
  const admin = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${api.url}/api/v1/admin/dek/rotations/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${rekey.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  // Three ranges each.
  const tenants = [await rekey.seedTenant(10_500), await rekey.seedTenant(10_500)];
  const ids: string[] = [];
  for (const { tenantId } of tenants) {
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    ids.push(rotationId);
    await admin('PATCH', rotationId, { itemsPerSecondMax: 60 });
  }
  const [first = '', second = ''] = ids;
  await scaled('as many as may be', (count) => count === workersMax);
  await until(async () => (await owners()) === workersMax || null, { what: 'each of them has a range' });
  // Half of it is no work any more, in the midst of its sweep.
  await admin('POST', `${second}/pause`);
  await scaled('fewer', (count) => count < workersMax);
  await admin('PATCH', first, { itemsPerSecondMax: null });
  await rekey.ended(first, { timeoutMs: 60_000 });
  await scaled('one', (count) => count === 1);
  await admin('POST', `${second}/cancel`);
  await waiting(0);
  assert.equal(workers.length, 1, 'with nothing to do there is one');
  stop.abort();
  await scaler;
  assert.deepEqual([least, most, belowOne], [1, workersMax, 0]);
  assert.equal(removals.length, 3);
  assert.ok(Math.max(...removals) < handOverMaxMs, removals.join());
  t.diagnostic(
    `each worker that was taken away had handed over after ${removals.map(Math.round).join(', ')} ms`,
  );
  const [whole] = tenants;
  assert.ok(whole !== undefined);
  assert.equal(await rekey.leftOnOlderKeys(whole.tenantId), 0);
  const values = whole.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, whole.tenantId), values), []);
});
