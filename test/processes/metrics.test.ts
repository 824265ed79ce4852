import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openDoor } from '../harness/door.ts';
import { type Installation, installation } from '../harness/installation.ts';
import { startApi } from '../harness/process.ts';
import { asRole } from '../harness/roles.ts';
import { type Figures, metricsUrl, scrape, textOf } from '../harness/scrape.ts';
import { tool } from '../harness/tool.ts';
import { until } from '../harness/wait.ts';

const prometheus = await tool('prometheus');
const rekey = await installation({
  workers: 0,
  apiEnv: { METRICS_PORT: '0' },
  workerEnv: { METRICS_PORT: '0', THROTTLE: 'on' },
});
const [api] = rekey.apis;
assert.ok(api !== undefined);
const apiMetrics = await metricsUrl(api);
const worker = await rekey.addWorker({ BATCH_SIZE: '100' });
const workerMetrics = await metricsUrl(worker);

/** What the API says of all that is to do, once that is so. */
function said(what: string, isSo: (figures: Figures) => boolean): Promise<Figures> {
  return until(
    async () => {
      const figures = await scrape(apiMetrics);
      return isSo(figures) ? figures : null;
    },
    { what, timeoutMs: 60_000, everyMs: 250 },
  );
}

async function sums(on: Installation): Promise<{ rotated: number; aside: number }> {
  const { rows } = await on.store.query<{ rotated: string; aside: string }>(
    'select sum(rotated) as rotated, sum(failed) as aside from rekey.rotation_ranges',
  );
  return { rotated: Number(rows[0]?.rotated), aside: Number(rows[0]?.aside) };
}

test('a rotation and its records, scraped from both processes, are those of the database', async () => {
  const damaged = await rekey.seedTenant(340);
  const sound = await rekey.seedTenant(85);
  await rekey.store.query(
    `update secrets set ciphertext = set_byte(ciphertext, length(ciphertext) - 1, get_byte(ciphertext, length(ciphertext) - 1) # 1)
     where id = (select id from secrets where tenant_id = $1 limit 1)`,
    [damaged.tenantId],
  );
  for (const { tenantId } of [damaged, sound]) {
    const { body } = await rekey.rotate(tenantId);
    await rekey.ended(body.data.rotationId);
  }
  const found = await sums(rekey);
  assert.deepEqual(found, { rotated: 424, aside: 1 });
  // The last line of a rotation is written after the end that a caller sees.
  const figures = await until(
    async () => {
      const scraped = await scrape(workerMetrics);
      return scraped.get('rekey_rotation_duration_seconds_count') === 2 ? scraped : null;
    },
    { what: 'the worker has counted both' },
  );
  const expected: Record<string, number> = {
    'rekey_records_total{outcome="rotated"}': found.rotated,
    'rekey_records_total{outcome="set_aside"}': found.aside,
    'rekey_records_total{outcome="superseded"}': 0,
    'rekey_rotations_total{outcome="completed"}': 1,
    'rekey_rotations_total{outcome="completed_with_failures"}': 1,
    'rekey_rotations_total{outcome="failed"}': 0,
    'rekey_rotation_steps_total{step="started"}': 2,
    'rekey_rotation_steps_total{step="switched"}': 2,
    rekey_database_connections_max: 12,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(figures.get(name), value, name);
  assert.ok((figures.get('rekey_database_connections') ?? 0) > 0);
  assert.ok((figures.get('rekey_database_statements_total') ?? 0) > 20);
  assert.ok((figures.get('rekey_batch_duration_seconds_count') ?? 0) >= 2);
  // A DEK each is wrapped for the rotation; applications' vaults are other processes.
  const wraps = figures.get('rekey_kms_calls_total{provider="local",operation="wrap",outcome="ok"}') ?? 0;
  assert.ok(wraps >= 2, String(wraps));

  const ofApi = await scrape(apiMetrics);
  assert.equal(ofApi.get('rekey_rotations_commanded_total{command="started"}'), 2);
  assert.equal(ofApi.get('rekey_http_requests_total{operation="rotateDek",status="200"}'), 2);
  assert.ok((ofApi.get('rekey_http_request_duration_seconds_count{operation="getRotation"}') ?? 0) > 0);
  assert.equal(ofApi.get('rekey_database_connections_max'), 10);
});

test('metrics are on a port of their own only, and nothing else is there', async () => {
  assert.equal((await fetch(`${api?.url}/metrics`)).status, 404);
  assert.notEqual(new URL(apiMetrics).port, new URL(api?.url ?? '').port);
  assert.equal((await fetch(new URL('/livez', apiMetrics))).status, 404);
  assert.equal((await fetch(new URL('/api/v1/admin/dek/rotations', apiMetrics))).status, 404);
  const posted = await fetch(apiMetrics, { method: 'POST', body: 'x' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
  const type = (await fetch(apiMetrics)).headers.get('content-type') ?? '';
  assert.match(type, /^text\/plain; version=0\.0\.4/);
});

test('no tenant, id or name is in them, and each of ours is in the manual', async () => {
  const manual = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const documented = new Set([...manual.matchAll(/^\| `(rekey_[a-z_]+)/gm)].map(([, name]) => name));
  const told = new Set<string | undefined>();
  for (const url of [apiMetrics, workerMetrics]) {
    const text = await textOf(url);
    assert.doesNotMatch(text, /[0-9a-f]{8}-[0-9a-f]{4}-/i);
    assert.doesNotMatch(text, /postgres:|redis:|\bada\b|example/i);
    for (const [, name] of text.matchAll(/^# TYPE (rekey_[a-z_]+)/gm)) told.add(name);
    assert.match(text, /^process_cpu_seconds_total /m);
    assert.match(text, /^nodejs_eventloop_lag_seconds /m);
  }
  told.add('rekey_checkpoints_behind_seconds'); // absent without CHECKPOINT_URL
  assert.deepEqual([...told].sort(), [...documented].sort());
});

test('promtool finds nothing to say of them', { skip: prometheus.skip }, async () => {
  for (const url of [apiMetrics, workerMetrics]) {
    const text = await textOf(url);
    const checked = spawnSync(prometheus.programs.promtool, ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    assert.deepEqual(
      { status: checked.status, said: checked.stderr + checked.stdout },
      { status: 0, said: '' },
    );
    // A check that takes anything would show nothing.
    const wrong = `${text}# TYPE rekey_wrong_total gauge\nrekey_wrong_total 1\n`;
    assert.notEqual(
      spawnSync(prometheus.programs.promtool, ['check', 'metrics'], { input: wrong }).status,
      0,
    );
  }
});

test('work that is waiting is what a worker could do now: of a paused or cancelled rotation there is none', async () => {
  await said('nothing is to do', (figures) => figures.get('rekey_work_waiting') === 0);
  const large = await rekey.seedTenant(10_500);
  const slow = await rekey.addWorker({ ITEMS_PER_SECOND_MAX: '100' });
  const slowMetrics = await metricsUrl(slow);
  await worker.stop();
  const { body } = await rekey.rotate(large.tenantId);
  const { rotationId } = body.data;
  // A range of each table.
  const swept = await said('three ranges are at work', (figures) => {
    const isPlanned = figures.get('rekey_work_waiting') === 3;
    return isPlanned && figures.get('rekey_rotations_unfinished{phase="sweeping"}') === 1;
  });
  const remaining = swept.get('rekey_records_remaining') ?? 0;
  assert.ok(remaining > 5_000 && remaining <= 10_500, String(remaining));
  await said('a worker has some of them', (figures) => (figures.get('rekey_work_under_way') ?? 0) > 0);
  const jobs = await said('Redis has jobs for them', (figures) => {
    const states = ['waiting', 'active', 'delayed'].map((state) =>
      figures.get(`rekey_queue_jobs{queue="ranges",state="${state}"}`),
    );
    return states.some((count) => (count ?? 0) > 0);
  });
  assert.ok(jobs.has('rekey_queue_jobs{queue="rotations",state="waiting"}'));

  const steer = async (verb: string): Promise<void> => {
    const answer = await fetch(`${api?.url}/api/v1/admin/dek/rotations/${rotationId}/${verb}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${rekey.token}` },
    });
    assert.equal(answer.status, 200, verb);
  };
  await steer('pause');
  const paused = await said('a paused one is no work', (figures) => figures.get('rekey_work_waiting') === 0);
  assert.equal(paused.get('rekey_rotations_unfinished{phase="paused"}'), 1);
  assert.equal(paused.get('rekey_rotations_unfinished{phase="sweeping"}'), 0);
  await steer('resume');
  await said('it is work again', (figures) => figures.get('rekey_work_waiting') === 3);
  await steer('cancel');
  await said('none is left', (figures) => figures.get('rekey_work_waiting') === 0);
  const api2 = await scrape(apiMetrics);
  for (const command of ['paused', 'resumed', 'cancelled'])
    assert.equal(api2.get(`rekey_rotations_commanded_total{command="${command}"}`), 1, command);
  assert.ok((await scrape(slowMetrics)).has('rekey_statement_places'));
});

test('what there is to do is absent, not zero, while Postgres does not tell', async () => {
  const server = Number(new URL(rekey.databaseUrl).port);
  const door = await openDoor(server);
  const databaseUrl = new URL(asRole(rekey.databaseUrl, 'api'));
  databaseUrl.hostname = '127.0.0.1';
  databaseUrl.port = String(door.port);
  databaseUrl.searchParams.set('application_name', 'behind-the-door');
  const apart = await startApi({
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: rekey.redis.url,
    QUEUE_PREFIX: rekey.redis.prefix,
    JWT_SECRET: rekey.jwtSecret,
    METRICS_PORT: '0',
  });
  const url = await metricsUrl(apart);
  const work = async (): Promise<number | undefined> => (await scrape(url)).get('rekey_work_waiting');
  await until(async () => (await work()) === 0, { what: 'it says what is to do' });
  door.leadTo(9);
  await rekey.store.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'behind-the-door'",
  );
  await until(
    async () => {
      const figures = await scrape(url);
      const left = [...figures.keys()].filter((name) =>
        /^rekey_(work|records_rem|rotations_un|policy|campaign)/.test(name),
      );
      return left.length === 0;
    },
    { what: 'it says nothing of it', timeoutMs: 60_000, everyMs: 250 },
  );
  assert.match(await textOf(url), /^# TYPE rekey_work_waiting gauge$/m);
  door.leadTo(server);
  await until(async () => (await work()) === 0, {
    what: 'it says so again',
    timeoutMs: 60_000,
    everyMs: 250,
  });
});

test('without METRICS_PORT there are none', async () => {
  const quiet = await startApi({
    DATABASE_URL: asRole(rekey.databaseUrl, 'api'),
    REDIS_URL: rekey.redis.url,
    QUEUE_PREFIX: rekey.redis.prefix,
    JWT_SECRET: rekey.jwtSecret,
  });
  assert.doesNotMatch(quiet.logs(), /metrics/);
  assert.equal((await fetch(`${quiet.url}/metrics`)).status, 404);
});
