import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, PlanResponse, RotationResponse } from '@rekey/contract';
import { thisFile } from '../harness/cleanup.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, rotateCall, rotatePath, rotationsPath } from './live-api.ts';

const api = await liveApi();
const core = await rotationCore(thisFile, api.database);
const { tenantId } = await core.tenantWith(40);
const other = await core.tenantWith(2);

const bound = (role: string, tenant = tenantId) => ({ roles: [role], tenantId: tenant });
const plan = (
  body: unknown,
  claims: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: `${rotatePath}/plan`,
    body,
    headers: { ...bearer(claims), ...headers },
  });
const look = (
  planId: string,
  claims: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  api.send({ path: `/api/v1/admin/dek/plans/${planId}`, headers: { ...bearer(claims), ...headers } });

test('a plan is begun with its counts, once for each tenant, by those who may, and replayed to the byte', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const begun = await plan(
    { tenantId: tenantId.toUpperCase(), check: 'all' },
    bound('security_operator'),
    key,
  );
  assert.equal(begun.status, 202, begun.text);
  assert.equal(begun.headers['cache-control'], 'no-store');
  assert.ok(conforms(PlanResponse, begun.json), begun.text);
  const { planId, itemsToRotate, rangesToSweep, status, estimate } = begun.json.data;
  assert.deepEqual(
    [itemsToRotate, rangesToSweep, status, estimate],
    [{ credentials: 0, apiKeys: 0, secrets: 40 }, 3, 'in_progress', null],
  );
  const replayed = await plan({ tenantId, check: 'all' }, bound('security_operator'), key);
  assert.deepEqual([replayed.status, replayed.text], [202, begun.text]);
  checkError(await plan({ tenantId }, bound('security_operator'), key), 'IDEMPOTENCY_KEY_REUSED');
  const second = await plan({ tenantId });
  checkError(second, 'PLAN_IN_PROGRESS');
  assert.equal(second.json.error.planId, planId);
  checkError(await api.send(rotateCall(tenantId, { body: { tenantId, planId } })), 'PLAN_UNFINISHED');

  checkError(await plan({ tenantId: randomUUID() }), 'TENANT_NOT_FOUND');
  checkError(await plan({ tenantId, check: 'some' }), 'INVALID_REQUEST');
  checkError(await plan({ tenantId }, {}, { 'x-tenantid': other.tenantId }), 'INVALID_REQUEST');
  checkError(await plan({ tenantId }, bound('security_admin', other.tenantId)), 'INSUFFICIENT_PERMISSIONS');
  checkError(await plan({ tenantId }, bound('security_auditor')), 'INSUFFICIENT_PERMISSIONS');

  assert.equal(
    (await look(planId.toUpperCase().replace('PLAN', 'plan'), bound('security_auditor'))).status,
    200,
  );
  checkError(await look(planId, bound('security_admin', other.tenantId)), 'PLAN_NOT_FOUND');
  checkError(await look(planId, {}, { 'x-tenantid': other.tenantId }), 'PLAN_NOT_FOUND');
  checkError(await look(`plan-${randomUUID()}`), 'PLAN_NOT_FOUND');
  checkError(await look('plan-1'), 'PLAN_NOT_FOUND');
});

test('a worker makes it; a rotation that is started with it shows plan and actual, and nobody else can use it', async () => {
  await workerHere({ databaseUrl: api.database.url, redis: api.redis }, core.kek);
  const begun = await plan({ tenantId }); // it may be made by now
  const planId: string = begun.json.data?.planId ?? begun.json.error.planId;
  const made = await until(
    async () => {
      const answer = await look(planId);
      return answer.json.data.status === 'completed' ? answer : undefined;
    },
    { what: 'the worker makes the plan' },
  );
  const fits: boolean = conforms(PlanResponse, made.json);
  assert.ok(fits, made.text);
  assert.equal(made.json.data.recordsSized, 40);
  assert.equal(made.json.data.estimate.seconds.by, 'assumed');

  checkError(
    await api.send(rotateCall(other.tenantId, { body: { tenantId: other.tenantId, planId } })),
    'PLAN_NOT_FOUND',
  );
  checkError(
    await api.send(rotateCall(tenantId, { body: { tenantId, planId: 'plan-1' } })),
    'INVALID_REQUEST',
  );
  const started = await api.send(
    rotateCall(tenantId, { body: { tenantId, planId: planId.toUpperCase().replace('PLAN', 'plan') } }),
  );
  assert.equal(started.status, 200, started.text);
  const { rotationId } = started.json.data;
  const ended = await until(
    async () => {
      const answer = await api.send({ path: `${rotationsPath}/${rotationId}`, headers: bearer() });
      const { completedAt, actual } = answer.json.data;
      return completedAt !== null && actual.kmsCalls >= 2 && actual.walBytes !== null ? answer : undefined;
    },
    { what: 'it has ended, and its worker has told of its calls' },
  );
  const isRotation: boolean = conforms(RotationResponse, ended.json);
  assert.ok(isRotation, ended.text);
  const { plan: planned, actual, itemsToRotate } = ended.json.data;
  assert.equal(planned.planId, planId);
  assert.deepEqual(planned.itemsToRotate, itemsToRotate);
  assert.deepEqual(planned.seconds, made.json.data.estimate.seconds);
  // Wrapped and unwrapped, and the older one unless the plan's worker had it at hand.
  assert.ok(actual.kmsCalls >= 2 && actual.kmsCalls <= 3, ended.text);
  assert.equal((await look(planId)).json.data.rotationId, rotationId);
  checkError(await api.send(rotateCall(tenantId, { body: { tenantId, planId } })), 'PLAN_USED');

  const without = await api.send(rotateCall(other.tenantId));
  const status = await api.send({
    path: `${rotationsPath}/${without.json.data.rotationId}`,
    headers: bearer(),
  });
  assert.equal('plan' in status.json.data, false);
});
