import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, RotateResponse, RotationResponse } from '@rekey/contract';
import { findRotation } from '@rekey/control';
import { checkError } from './check-error.ts';
import {
  type Answer,
  bearer,
  emptyTenant,
  liveApi,
  rotateCall,
  rotationsPath,
  seededTenant,
} from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();

const started = async (tenantId: string, headers: Record<string, string> = {}): Promise<Answer> => {
  const answer = await api.send(rotateCall(tenantId, { headers }));
  assert.equal(answer.status, 200, answer.text);
  return answer;
};
const startedId = async (tenantId: string): Promise<string> => (await started(tenantId)).json.data.rotationId;
const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ path: `${rotationsPath}/${path}`, headers: { ...bearer(), ...headers } });
const cancel = (id: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ method: 'POST', path: `${rotationsPath}/${id}/cancel`, headers: { ...bearer(), ...headers } });
const adminOf = (tenantId: string) => bearer({ roles: ['security_admin'], tenantId });

test('starting a rotation answers 200 in exactly the published shape', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const before = Date.now();
  const answer = await started(tenantId.toUpperCase(), { 'x-tenantid': tenantId });
  const { data } = answer.json;
  assert.ok(conforms(RotateResponse, answer.json), answer.text);
  assert.deepEqual(Object.keys(answer.json), ['success', 'message', 'data', 'timestamp']);
  assert.deepEqual(Object.keys(data), [
    'rotationId',
    'tenantId',
    'status',
    'previousKeyId',
    'newKeyId',
    'startedAt',
    'estimatedCompletion',
    'itemsToRotate',
    'initiatedBy',
  ]);
  assert.equal(answer.json.message, 'DEK rotation initiated successfully');
  assert.equal(data.tenantId, tenantId);
  assert.equal(data.previousKeyId, `dek-${dekId}`);
  assert.notEqual(data.newKeyId, data.previousKeyId);
  assert.deepEqual(data.itemsToRotate, { credentials: 25, apiKeys: 10, secrets: 50 });
  assert.deepEqual(data.initiatedBy, { id: 'ada', name: 'Ada Example', email: 'ada@example.com' });
  assert.ok(Date.parse(data.startedAt) >= before - 1_000 && Date.parse(data.startedAt) <= Date.now() + 1_000);
  assert.ok(Date.parse(data.estimatedCompletion) >= Date.parse(data.startedAt));
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  assert.notEqual(await findRotation(pool, data.rotationId.slice(4)), null, 'the row is durable');
});

test('previousKeyId is null for a tenant without a DEK; claims that are missing or absurd answer null', async () => {
  for (const claims of [
    { name: undefined, email: undefined },
    { name: 5, email: { a: 1 } },
    { name: '', email: 'x'.repeat(400) },
    { name: 'a\0b', email: 'a\ud800' },
  ]) {
    const tenantId = await emptyTenant(api.database);
    const { data } = (await started(tenantId, bearer(claims))).json;
    assert.equal(data.previousKeyId, null);
    assert.deepEqual(data.initiatedBy, { id: 'ada', name: null, email: null });
    assert.deepEqual(data.itemsToRotate, { credentials: 0, apiKeys: 0, secrets: 0 });
  }
});

test('a second rotation of a tenant gets 409 with the id of the one that runs; of 20 at once one wins', async () => {
  const tenantId = await emptyTenant(api.database);
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.send(rotateCall(tenantId))));
  const won = answers.filter((answer) => answer.status === 200);
  assert.equal(won.length, 1);
  for (const answer of answers.filter((one) => one.status !== 200)) {
    checkError(answer, 'ROTATION_IN_PROGRESS');
    assert.equal(answer.json.error.rotationId, won[0]?.json.data.rotationId);
  }
});

test('an idempotency key replays the 200 to the byte, for the same caller and body only', async () => {
  const [tenantId, otherTenant] = [await emptyTenant(api.database), await emptyTenant(api.database)];
  const key = { 'idempotency-key': '!~'.padEnd(255, 'k') };
  const first = await started(tenantId, key);
  const again = await api.send(rotateCall(tenantId, { headers: key }));
  assert.equal(again.text, first.text);
  const spaced = await api.send(
    rotateCall(tenantId, { headers: key, raw: ` { "tenantId" : "${tenantId.toUpperCase()}" } ` }),
  );
  assert.equal(spaced.text, first.text, 'the same body, written differently');
  checkError(await api.send(rotateCall(otherTenant, { headers: key })), 'IDEMPOTENCY_KEY_REUSED');
  checkError(
    await api.send(rotateCall(tenantId, { headers: { ...key, ...bearer({ sub: 'bob' }) } })),
    'ROTATION_IN_PROGRESS',
    'another caller',
  );
  checkError(
    await api.send(rotateCall(tenantId, { headers: { 'idempotency-key': 'another' } })),
    'ROTATION_IN_PROGRESS',
  );
  checkError(
    await api.send(rotateCall(randomUUID(), { headers: key })),
    'TENANT_NOT_FOUND',
    'tenant 404 before 422',
  );
  checkError(
    await api.send(rotateCall(otherTenant, { headers: { ...key, ...adminOf(tenantId) } })),
    'INSUFFICIENT_PERMISSIONS',
    '403 before 422',
  );
});

test('only 200s are kept; concurrent calls with one key wait and replay', async () => {
  const tenantId = await emptyTenant(api.database);
  const key = { 'idempotency-key': randomUUID() };
  const running = await startedId(tenantId);
  checkError(await api.send(rotateCall(tenantId, { headers: key })), 'ROTATION_IN_PROGRESS');
  assert.equal((await cancel(running)).status, 200);
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => api.send(rotateCall(tenantId, { headers: key }))),
  );
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
});

test('following a rotation answers all of its fields, from Postgres and from Redis alike', async () => {
  const { tenantId } = await seededTenant(api.database);
  const { rotationId, estimatedCompletion: atTheCall, ...fields } = (await started(tenantId)).json.data;
  const fromPostgres = await get(rotationId);
  assert.equal(fromPostgres.status, 200);
  assert.ok(conforms(RotationResponse, fromPostgres.json), fromPostgres.text);
  const { data } = fromPostgres.json;
  assert.deepEqual({ ...data, ...fields, rotationId }, data, 'the fields of the start are among them');
  // It moves with the clock until a worker has begun.
  assert.ok(
    (data.estimatedCompletion ?? '') >= atTheCall,
    `${data.estimatedCompletion}, and ${atTheCall} before`,
  );
  assert.deepEqual(
    [data.phase, data.percentComplete, data.completedAt, data.failureReason],
    ['queued', 0, null, null],
  );
  assert.deepEqual(data.itemsRemaining, data.itemsToRotate);
  assert.equal(fromPostgres.headers['cache-control'], 'no-store');

  const view = await findRotation(pool, rotationId.slice(4));
  assert.ok(view !== null);
  await api.snapshots.publish({
    rotationId: view.id,
    tenantId,
    version: 1_000,
    final: false,
    view: { ...view, phase: 'sweeping', percentComplete: 12.5 },
  });
  const live = (await get(rotationId)).json.data;
  const { waitingFor, estimatedCompletion } = live;
  assert.deepEqual(live, {
    ...data,
    phase: 'sweeping',
    percentComplete: 12.5,
    waitingFor,
    estimatedCompletion,
  });
  checkError(
    await get(rotationId, adminOf(randomUUID())),
    'ROTATION_NOT_FOUND',
    'the snapshots show nobody else more',
  );
});

test("a rotation that does not exist, is of another tenant, or is not the caller's to see: the same 404", async () => {
  const tenantId = await emptyTenant(api.database);
  const id = await startedId(tenantId);
  assert.equal((await get(id, adminOf(tenantId))).status, 200);
  assert.equal(
    (await get(id.toUpperCase().replace('ROT', 'rot'), { 'x-tenantid': tenantId.toUpperCase() })).status,
    200,
  );
  const hidden: ReadonlyArray<[id: string, headers: Record<string, string>]> = [
    [`rot-${randomUUID()}`, {}],
    [id.slice(4), {}],
    ['rot-', {}],
    [`${id}x`, {}],
    [`rot-${'x'.repeat(3_000)}`, {}],
    [encodeURI("rot-' or 1=1"), {}],
    [id, { 'x-tenantid': randomUUID() }],
    [id, adminOf(randomUUID())],
    [id, bearer({ roles: ['security_admin'] })],
    [id, { ...adminOf(tenantId), 'x-tenantid': randomUUID() }],
  ];
  for (const [hiddenId, headers] of hidden) {
    checkError(await get(hiddenId, headers), 'ROTATION_NOT_FOUND', hiddenId);
    checkError(await get(`${hiddenId}/failures`, headers), 'ROTATION_NOT_FOUND', hiddenId);
    checkError(await cancel(hiddenId, headers), 'ROTATION_NOT_FOUND', hiddenId);
  }
  checkError(await get(id, { 'x-tenantid': 'x' }), 'INVALID_REQUEST');
  checkError(await get(`${id}?verbose=1`), 'INVALID_REQUEST');
  checkError(await get(id, bearer({ roles: [] })), 'INSUFFICIENT_PERMISSIONS');
  assert.equal((await get(id)).json.data.status, 'in_progress', 'nothing was cancelled by it');
});
