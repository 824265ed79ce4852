import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, RotationResponse } from '@rekey/contract';
import { thisFile } from '../harness/cleanup.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const core = await rotationCore(thisFile, api.database);
const pool = api.database.pool();

const retry = (
  rotationId: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: `${rotationsPath}/${rotationId}/retry`,
    headers: { ...bearer(), ...headers },
    ...(body === undefined ? {} : { body }),
  });

/** A rotation that has set one record aside. */
async function leftOne(): Promise<{ tenantId: string; rotationId: string; id: string }> {
  const { tenantId } = await core.tenantWith(2);
  await insertSecret(core.store, tenantId, 1);
  const { id, status } = await core.startAndRotate(tenantId);
  assert.equal(status, 'completed_with_failures');
  return { tenantId, rotationId: `rot-${id}`, id };
}

const retriesOf = async (id: string): Promise<number> =>
  (await pool.query('select from rekey.rotations where retry_of = $1', [id])).rowCount ?? 0;

test('an operator retries, follows and lists it; who may not, and whose it is not, learns nothing', async () => {
  const { tenantId, rotationId, id } = await leftOne();
  const own = bearer({ roles: ['security_operator'], tenantId });
  checkError(
    await retry(rotationId, { headers: bearer({ roles: ['security_auditor'], tenantId }) }),
    'INSUFFICIENT_PERMISSIONS',
  );
  const other = bearer({ roles: ['security_operator'], tenantId: randomUUID() });
  checkError(await retry(rotationId, { headers: other }), 'ROTATION_NOT_FOUND');
  checkError(await retry(rotationId, { body: { reason: 'a\nb' } }), 'INVALID_REQUEST');
  checkError(await retry(rotationId, { headers: { 'idempotency-key': 'ü' } }), 'INVALID_REQUEST');
  assert.equal(await retriesOf(id), 0);

  const answer = await retry(rotationId, { headers: own, body: { reason: 'mended' } });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(RotationResponse, answer.json), answer.text);
  const { data, message } = answer.json;
  assert.deepEqual(
    [message, data.retryOf, data.status, data.phase, data.itemsToRotate.secrets],
    ['DEK rotation retried', rotationId, 'in_progress', 'queued', 1],
  );
  const follow = await api.send({ path: `${rotationsPath}/${data.rotationId}`, headers: bearer() });
  assert.deepEqual([follow.json.data.retryOf, follow.json.data.switchedAt], [rotationId, data.switchedAt]);
  const list = await api.send({
    path: `${rotationsPath}?retryOf=${rotationId.toUpperCase().replace('ROT', 'rot')}`,
    headers: bearer(),
  });
  assert.deepEqual(
    list.json.data.rotations.map((one: { rotationId: string }) => one.rotationId),
    [data.rotationId],
  );
  checkError(await api.send({ path: `${rotationsPath}?retryOf=x`, headers: bearer() }), 'INVALID_REQUEST');

  // Whatever is in the way of it, or it is in the way of.
  const again = await retry(rotationId, { headers: own });
  assert.deepEqual([again.status, again.json.data.rotationId], [200, data.rotationId]);
  const busy = await retry(data.rotationId);
  checkError(busy, 'ROTATION_IN_PROGRESS');
  assert.equal(busy.json.error.rotationId, data.rotationId);
  const rotate = await api.send(rotateCall(tenantId));
  checkError(rotate, 'ROTATION_IN_PROGRESS');
  assert.equal(rotate.json.error.rotationId, data.rotationId);
  await core.finish(data.rotationId.slice(4));
  await core.startAndRotate(tenantId);
  checkError(await retry(rotationId), 'ROTATION_SUPERSEDED');
  checkError(await retry(`rot-${randomUUID()}`), 'ROTATION_NOT_FOUND');
  assert.equal(await retriesOf(id), 1);
});

test('a retry is paused, resumed and cancelled like every rotation, and one that left nothing is not retried', async () => {
  const { rotationId } = await leftOne();
  const { data } = (await retry(rotationId)).json;
  for (const [verb, status] of [
    ['pause', 'paused'],
    ['resume', 'in_progress'],
    ['cancel', 'cancelled'],
  ]) {
    const answer = await api.send({
      method: 'POST',
      path: `${rotationsPath}/${data.rotationId}/${verb}`,
      headers: bearer(),
    });
    assert.deepEqual(
      [answer.status, answer.json.data.status, answer.json.data.retryOf],
      [200, status, rotationId],
    );
  }
  const whole = await core.startAndRotate((await core.tenantWith(2)).tenantId);
  checkError(await retry(`rot-${whole.id}`), 'ROTATION_FINISHED');
});

test('an idempotency key replays the answer to the byte, whatever became of the retry, and is for one call', async () => {
  const { rotationId, id } = await leftOne();
  const headers = { 'idempotency-key': randomUUID() };
  const both = await Promise.all([retry(rotationId, { headers }), retry(rotationId, { headers })]);
  const [first] = both;
  assert.deepEqual([first?.status, both[1]?.text], [200, first?.text]);
  await core.finish(first?.json.data.rotationId.slice(4));
  assert.equal((await retry(rotationId, { headers })).text, first?.text);
  assert.equal(await retriesOf(id), 1);
  checkError(await retry(rotationId, { headers, body: { reason: 'else' } }), 'IDEMPOTENCY_KEY_REUSED');
  const another = await leftOne();
  checkError(await retry(another.rotationId, { headers }), 'IDEMPOTENCY_KEY_REUSED');
  // What was refused is not kept.
  const key = { 'idempotency-key': randomUUID() };
  const runs = (await retry(another.rotationId)).json.data.rotationId;
  checkError(await retry(runs, { headers: key }), 'ROTATION_IN_PROGRESS');
  await core.finish(runs.slice(4));
  assert.equal((await retry(runs, { headers: key })).status, 200);
});

test('by SQL the role of the API forges no retry', async () => {
  const { id, tenantId } = await leftOne();
  const asApi = api.database.pool({ connectionString: asRole(api.database.url, 'api') });
  const columns = `id, tenant_id, retry_of, previous_dek_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion,
    switched_at, drained_at, churn_at_switch`;
  const forged = (status: string): string =>
    `insert into rekey.rotations (status, phase, completed_at, ${columns})
     select '${status}', 'done', now(), gen_random_uuid(), ${columns.replace(/^id, tenant_id, retry_of/, 'tenant_id, id')}
     from rekey.rotations where id = '${id}'`;
  assert.equal(await sqlState(asApi.query(forged('completed'))), '42501');
  assert.equal(await sqlState(pool.query(forged('completed'))), 'RK005', 'nor that of the owner');
  assert.equal(
    await sqlState(asApi.query(`update rekey.rotations set retry_of = null where tenant_id = '${tenantId}'`)),
    '42501',
  );
  const call = `select outcome from rekey.retry_rotation($1, $2, '{"id": "ada"}', null)`;
  assert.deepEqual((await asApi.query(call, [randomUUID(), id])).rows, [{ outcome: 'changed' }]);
  assert.deepEqual((await asApi.query(call, [randomUUID(), id])).rows, [{ outcome: 'unchanged' }]);
});
