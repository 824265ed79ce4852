import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, RotationResponse } from '@rekey/contract';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const tenantId = await emptyTenant(api.database);
const { rotationId } = (await api.send(rotateCall(tenantId))).json.data;

const as = (role: string, tenant: string) => bearer({ roles: [role], tenantId: tenant });
const admin = bearer();
const operator = as('security_operator', tenantId);
const patch = (body: object, headers: Record<string, string> = admin, id = rotationId): Promise<Answer> =>
  api.send({ method: 'PATCH', path: `${rotationsPath}/${id}`, headers, body });
const limitOf = (answer: Answer): number | null => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(RotationResponse, answer.json), answer.text);
  return answer.json.data.itemsPerSecondMax;
};

test('a limit is set, stands in the status, and is told as an event with its reason', async () => {
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 500, reason: 'a sale' })), 500);
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 500, reason: 'again' })), 500);
  const status = await api.send({ path: `${rotationsPath}/${rotationId}`, headers: admin });
  assert.equal(status.json.data.itemsPerSecondMax, 500);
  assert.equal(limitOf(await patch({ itemsPerSecondMax: null })), null);
  const { rows } = await pool.query(
    `select payload, actor ->> 'kind' as who from rekey.events where kind = 'rotation.limited' order by sequence`,
  );
  assert.deepEqual(rows, [
    { payload: { from: null, to: 500, reason: 'a sale' }, who: 'user' },
    { payload: { from: 500, to: null }, who: 'user' },
  ]);
});

test('whose token names one tenant may set and lower a limit, and raise it no more; the installation may', async () => {
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 500 }, operator)), 500);
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 100 }, operator)), 100);
  for (const role of ['security_operator', 'security_admin'])
    for (const itemsPerSecondMax of [101, null])
      checkError(await patch({ itemsPerSecondMax }, as(role, tenantId)), 'INSUFFICIENT_PERMISSIONS');
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 300 }, as('security_operator', '*'))), 300);
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 400 }, bearer({ roles: ['super_admin'] }))), 400);
});

test('windows are set by whoever may hold it back, changed and lifted by the installation, and both at once or neither', async () => {
  const window = { days: ['mon'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' };
  const all = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const always = [{ days: all, from: '00:00', to: '00:00', timeZone: 'UTC' }];
  const set = await patch({ windows: always }, operator);
  assert.deepEqual([set.status, set.json.data.windows, set.json.data.waitingFor], [200, always, null]);
  const before = set.json.data.itemsPerSecondMax;
  checkError(await patch({ itemsPerSecondMax: 50, windows: null }, operator), 'INSUFFICIENT_PERMISSIONS');
  const status = await api.send({ path: `${rotationsPath}/${rotationId}`, headers: admin });
  assert.equal(status.json.data.itemsPerSecondMax, before, 'neither');
  for (const windows of [[], [{ ...window, timeZone: 'Europe/Bonn' }], [{ ...window, to: '25:00' }]])
    checkError(await patch({ windows }), 'INVALID_REQUEST', JSON.stringify(windows));
  const both = await patch({ itemsPerSecondMax: 50, windows: null });
  assert.deepEqual([both.json.data.itemsPerSecondMax, both.json.data.windows], [50, null]);
});

test('what is no limit, not there, not theirs or over is refused', async () => {
  for (const body of [
    {},
    { itemsPerSecondMax: 0 },
    { itemsPerSecondMax: 1.5 },
    { itemsPerSecondMax: '5' },
    { itemsPerSecondMax: 10_000_001 },
    { itemsPerSecondMax: 5, windows: [] },
    { itemsPerSecondMax: 5, reason: 'a\nb' },
  ])
    checkError(await patch(body), 'INVALID_REQUEST', JSON.stringify(body));
  checkError(
    await patch({ itemsPerSecondMax: 5 }, as('security_auditor', tenantId)),
    'INSUFFICIENT_PERMISSIONS',
  );
  const other = as('security_admin', await emptyTenant(api.database));
  checkError(await patch({ itemsPerSecondMax: 5 }, other), 'ROTATION_NOT_FOUND');
  checkError(await patch({ itemsPerSecondMax: 5 }, admin, `rot-${tenantId}`), 'ROTATION_NOT_FOUND');

  const send = (verb: string) =>
    api.send({ method: 'POST', path: `${rotationsPath}/${rotationId}/${verb}`, headers: admin });
  const paused = await send('pause');
  assert.ok(conforms(RotationResponse, paused.json), paused.text);
  assert.equal(paused.json.data.estimatedCompletion, null, 'nobody knows for how long');
  assert.equal(limitOf(await patch({ itemsPerSecondMax: 7 })), 7);
  assert.notEqual((await send('resume')).json.data.estimatedCompletion, null);
  await send('cancel');
  checkError(await patch({ itemsPerSecondMax: 5 }), 'ROTATION_FINISHED');
});
