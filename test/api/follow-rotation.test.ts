import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { conforms, RotationEvent, RotationResponse } from '@rekey/contract';
import { thisFile } from '../harness/cleanup.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import { type EventStream, openStream } from './event-stream.ts';
import { bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const core = await rotationCore(thisFile, api.database);

const startedFor = async (tenantId: string): Promise<string> =>
  (await api.send(rotateCall(tenantId))).json.data.rotationId;
const steer = async (rotationId: string, verb: string): Promise<void> => {
  const path = `${rotationsPath}/${rotationId}/${verb}`;
  assert.equal((await api.send({ method: 'POST', path, headers: bearer() })).status, 200);
};
const eventsOf = async (rotationId: string): Promise<string[]> => {
  const answer = await api.send({ path: `${rotationsPath}/${rotationId}/timeline`, headers: bearer() });
  return answer.json.data.events.map(({ sequence }: { sequence: number }) => String(sequence));
};
const follow = async (
  t: TestContext,
  rotationId: string,
  { lastEventId, headers = bearer() }: { lastEventId?: string; headers?: Record<string, string> } = {},
): Promise<EventStream> => {
  const stream = await openStream(api.url, `${rotationsPath}/${rotationId}/events`, {
    ...headers,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  });
  t.after(() => stream.close());
  assert.equal(stream.status, 200);
  return stream;
};
const idsIn = ({ frames }: EventStream): (string | null)[] =>
  frames.filter(({ event }) => event === 'event').map(({ id }) => id);
const kindsIn = ({ frames }: EventStream): string[] => frames.map(({ event }) => event);

test('a stream begins with how the rotation stands, tells what happens to it, and says goodbye at its end', async (t) => {
  const { tenantId } = await core.tenantWith(40);
  const rotationId = await startedFor(tenantId);
  const before = await eventsOf(rotationId);
  const stream = await follow(t, rotationId);
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  assert.equal(stream.headers['cache-control'], 'no-store');
  const first = await stream.frame('snapshot');
  assert.equal(first.data.phase, 'queued');
  await steer(rotationId, 'pause');
  await stream.frame('event');
  await steer(rotationId, 'resume');
  await core.finish(rotationId.slice(4));
  assert.deepEqual((await stream.frame('bye')).data, { reason: 'ended' });
  await stream.end();

  // What had happened before is in the snapshot; all the rest was told, in order, and the end before the goodbye.
  assert.deepEqual(idsIn(stream), (await eventsOf(rotationId)).slice(before.length));
  assert.deepEqual([kindsIn(stream).at(0), kindsIn(stream).at(-1)], ['snapshot', 'bye']);
  const states = stream.frames.filter(({ event }) => event === 'snapshot' || event === 'progress');
  assert.equal(states.at(-1)?.data.status, 'completed');
  const whole = await api.send({ path: `${rotationsPath}/${rotationId}`, headers: bearer() });
  assert.deepEqual(states.at(-1)?.data, whole.json.data);
  for (const { event, id, data } of stream.frames) {
    assert.equal(id !== null, event === 'event', `${event} with the id ${id}`);
    if (event === 'event') assert.ok(conforms(RotationEvent, data) && String(data.sequence) === id);
    else if (event !== 'bye') assert.ok(conforms(RotationResponse, { ...whole.json, data }));
  }
});

test('whoever comes back again and again, with the last id seen, misses no event and sees none twice', async (t) => {
  const rotationId = await startedFor(await emptyTenant(api.database));
  const seen: string[] = [];
  let done = false;
  const steering = (async () => {
    // More than fit into one page while nobody reads, and in the midst of reading.
    for (let n = 0; n < 70; n += 1) {
      await steer(rotationId, 'pause');
      await steer(rotationId, 'resume');
    }
    await steer(rotationId, 'cancel');
    done = true;
  })();
  const begin = (await eventsOf(rotationId))[0] ?? '';
  for (let last = begin, n = 0, ended = false; !ended; n += 1) {
    const stream = await follow(t, rotationId, { lastEventId: last });
    // Left at any place: at once, behind the first event, or behind some more.
    const enough = [0, 1, 20][n % 3] ?? 0;
    await until(() => stream.ended() || (stream.frames.length > 0 && idsIn(stream).length >= enough), {
      what: `${enough} events`,
    });
    if (done) await stream.end();
    stream.close();
    assert.equal(stream.frames[0]?.event, 'snapshot');
    seen.push(...idsIn(stream).map(String));
    last = seen.at(-1) ?? begin;
    ended = kindsIn(stream).includes('bye');
  }
  await steering;
  assert.deepEqual([begin, ...seen], await eventsOf(rotationId));
});

test('behind an id that is not known comes the snapshot alone', async (t) => {
  const rotationId = await startedFor(await emptyTenant(api.database));
  for (const lastEventId of ['999999999', '0', '-1', '1e1', 'x', '99999999999999999999999', '1, 2']) {
    const stream = await follow(t, rotationId, { lastEventId });
    await stream.frame('snapshot');
    await steer(rotationId, 'pause');
    await steer(rotationId, 'resume');
    await until(() => idsIn(stream).length >= 2, { what: 'both events' });
    assert.deepEqual(idsIn(stream), (await eventsOf(rotationId)).slice(-2), lastEventId);
    stream.close();
  }
  await steer(rotationId, 'cancel');
  const ids = await eventsOf(rotationId);
  for (const [lastEventId, told] of [
    ['x', []],
    [ids[0] ?? '', ids.slice(1)],
    [ids.at(-1) ?? '', []],
  ] as const) {
    const stream = await follow(t, rotationId, { lastEventId });
    await stream.end();
    assert.deepEqual(idsIn(stream), told);
    assert.deepEqual([kindsIn(stream).at(0), kindsIn(stream).at(-1)], ['snapshot', 'bye']);
  }
});

test('a stream ends with its token', async (t) => {
  const rotationId = await startedFor(await emptyTenant(api.database));
  const exp = Math.floor(Date.now() / 1_000) + 3;
  const stream = await follow(t, rotationId, { headers: bearer({ exp }) });
  assert.deepEqual((await stream.frame('bye')).data, { reason: 'token_expired' });
  assert.ok(Date.now() >= exp * 1_000);
  await stream.end();
});

test('only who may see a rotation follows it, and only who takes event streams', async () => {
  const tenantId = await emptyTenant(api.database);
  const path = `${rotationsPath}/${await startedFor(tenantId)}/events`;
  const accept = 'text/event-stream';
  const other = bearer({ roles: ['security_admin'], tenantId: randomUUID() });
  checkError(await api.send({ path, headers: { ...other, accept } }), 'ROTATION_NOT_FOUND');
  checkError(
    await api.send({ path: `${rotationsPath}/rot-${randomUUID()}/events`, headers: { ...bearer(), accept } }),
    'ROTATION_NOT_FOUND',
  );
  checkError(
    await api.send({ path, headers: { ...bearer(), accept: 'application/json' } }),
    'NOT_ACCEPTABLE',
  );
  checkError(
    await api.send({ path, headers: { ...bearer(), accept, 'last-event-id': 'x'.repeat(256) } }),
    'INVALID_REQUEST',
  );
  const head = await api.send({ method: 'HEAD', path, headers: { ...bearer(), accept } });
  assert.deepEqual([head.status, head.text], [200, '']);
});
