import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { until } from '../harness/wait.ts';
import { type EventStream, openStream } from './event-stream.ts';
import { bearer, emptyTenant, type LiveApi, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const started = async (api: LiveApi): Promise<string> =>
  (await api.send(rotateCall(await emptyTenant(api.database)))).json.data.rotationId;
const steer = async (api: LiveApi, rotationId: string, verb: string): Promise<number> => {
  const path = `${rotationsPath}/${rotationId}/${verb}`;
  return (await api.send({ method: 'POST', path, headers: bearer() })).status;
};
const follow = async (t: TestContext, api: LiveApi, rotationId: string): Promise<EventStream> => {
  const stream = await openStream(api.url, `${rotationsPath}/${rotationId}/events`, bearer());
  t.after(() => stream.close());
  await stream.frame('snapshot');
  return stream;
};
const kindsIn = ({ frames }: EventStream): string[] =>
  frames.flatMap(({ event, data }) =>
    event === 'event' && data.kind.startsWith('rotation.') ? [data.kind] : [],
  );

test('with Redis away everything is told', async (t) => {
  const api = await liveApi({}, { redisUrl: 'redis://127.0.0.1:1' });
  const rotationId = await started(api);
  const stream = await follow(t, api, rotationId);
  for (const verb of ['pause', 'resume', 'cancel']) assert.equal(await steer(api, rotationId, verb), 200);
  await stream.frame('bye');
  assert.deepEqual(kindsIn(stream), ['rotation.paused', 'rotation.resumed', 'rotation.cancelled']);
});

test('while Postgres is away a stream stays open, and tells afterwards what happened', async (t) => {
  const api = await liveApi();
  const rotationId = await started(api);
  const stream = await follow(t, api, rotationId);
  assert.equal(await steer(api, rotationId, 'pause'), 200);
  await stream.frame('event');

  const admin = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await admin.connect();
  t.after(() => admin.end());
  const name = new URL(api.database.url).pathname.slice(1);
  await admin.query(`alter database "${name}" allow_connections false`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  await until(() => api.log.some((line) => line.includes('followed rotations cannot be read')), {
    what: 'a look that fails',
  });
  assert.equal(stream.ended(), false);
  await admin.query(`alter database "${name}" allow_connections true`);
  await until(async () => (await steer(api, rotationId, 'resume')) === 200, { what: 'Postgres' });
  assert.equal(await steer(api, rotationId, 'cancel'), 200);
  await stream.frame('bye');
  assert.deepEqual(kindsIn(stream), ['rotation.paused', 'rotation.resumed', 'rotation.cancelled']);
});

test('a process that ends says goodbye to its streams, and waits for none of them', async (t) => {
  const closers: (() => Promise<void>)[] = [];
  const api = await liveApi({}, { owner: { after: (closer) => closers.push(closer) } });
  const rotationId = await started(api);
  const streams = await Promise.all([1, 2, 3].map(() => follow(t, api, rotationId)));
  await closers.pop()?.();
  for (const stream of streams) {
    assert.deepEqual((await stream.frame('bye')).data, { reason: 'shutdown' });
    await stream.end();
  }
  for (const closer of closers.reverse()) await closer();
});
