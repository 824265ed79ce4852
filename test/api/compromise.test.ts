import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CompromiseResponse, conforms, formatKeyId, RotationResponse } from '@rekey/contract';
import { registerKek, reportUsage } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, rotateCall, rotationsPath, seededTenant } from './live-api.ts';

const api = await liveApi({ rotationIntervalSeconds: 3_600 });
const pool = api.database.pool();

const rotate = (tenantId: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  api.send(rotateCall(tenantId, { headers, body: { tenantId, ...body } }));
const declare = (
  keyId: string,
  body?: object,
  { claims = {}, headers = {} }: { claims?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: `/api/v1/admin/keys/${keyId}/compromise`,
    headers: { ...bearer(claims), ...headers },
    ...(body === undefined ? {} : { body }),
  });
const statusOf = async (rotationId: string): Promise<Answer['json']> => {
  const answer = await api.send({ path: `${rotationsPath}/${rotationId}`, headers: bearer() });
  assert.ok(conforms(RotationResponse, answer.json), answer.text);
  return answer.json.data;
};

test('a rotate call with `compromise` replaces what runs, links it, is told apart, and stands in the way of the next', async () => {
  const { tenantId } = await seededTenant(api.database);
  const ordinary = (await rotate(tenantId, {})).json.data.rotationId;
  checkError(await rotate(tenantId, { compromise: false }), 'ROTATION_IN_PROGRESS');
  const key = { 'idempotency-key': randomUUID() };
  const started = await rotate(tenantId, { compromise: true, reason: 'a laptop was lost' }, key);
  assert.equal(started.status, 200, started.text);
  const { rotationId } = started.json.data;
  const [before, now] = [await statusOf(ordinary), await statusOf(rotationId)];
  assert.deepEqual([before.status, before.supersededBy, before.compromise], ['cancelled', rotationId, false]);
  assert.deepEqual([now.status, now.supersededBy, now.compromise], ['in_progress', null, true]);
  const again = await rotate(tenantId, { compromise: true, reason: 'a laptop was lost' }, key);
  assert.deepEqual([again.status, again.text], [200, started.text]);
  checkError(await rotate(tenantId, { reason: 'a laptop was lost' }, key), 'IDEMPOTENCY_KEY_REUSED');
  const refused = await rotate(tenantId, { compromise: true });
  checkError(refused, 'ROTATION_IN_PROGRESS');
  assert.equal(refused.json.error.rotationId, rotationId);
  for (const [verb, method, body] of [
    ['/pause', 'POST', undefined],
    ['', 'PATCH', { itemsPerSecondMax: 1 }],
  ] as const)
    checkError(
      await api.send({
        method,
        path: `${rotationsPath}/${rotationId}${verb}`,
        headers: bearer(),
        ...(body === undefined ? {} : { body }),
      }),
      'ROTATION_NOT_HELD_BACK',
    );
  for (const [said, about] of [
    ['rotation of a compromised key started', rotationId],
    ['rotation superseded by one because of a compromised key', ordinary],
  ] as const)
    assert.ok(
      api.log.some((line) => line.includes(said) && line.includes(about)),
      said,
    );
});

test('the active key is declared by a rotation, one that is out of use at once, and nonsense is refused', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const keyId = formatKeyId(dekId);
  const admin = { roles: ['security_admin'], tenantId };
  for (const role of ['security_operator', 'security_auditor'])
    checkError(
      await declare(keyId, undefined, { claims: { roles: [role], tenantId } }),
      'INSUFFICIENT_PERMISSIONS',
    );
  checkError(
    await declare(keyId, undefined, { claims: { ...admin, tenantId: randomUUID() } }),
    'KEY_NOT_FOUND',
  );
  checkError(await declare(`dek-${randomUUID()}`), 'KEY_NOT_FOUND');
  checkError(await declare(keyId, { kek: 'nobody' }), 'KEK_NOT_FOUND');
  checkError(await declare(keyId, { force: true }), 'INVALID_REQUEST');

  const key = { 'idempotency-key': randomUUID() };
  const started = await declare(keyId, { reason: 'seen on a paste site' }, { claims: admin, headers: key });
  assert.ok(conforms(CompromiseResponse, started.json), started.text);
  const { state, rotation, records } = started.json.data;
  assert.ok(rotation !== null);
  assert.deepEqual([state, rotation.previousKeyId, records], ['active', keyId, null]);
  const again = await declare(keyId, { reason: 'seen on a paste site' }, { claims: admin, headers: key });
  assert.equal(again.text, started.text);
  checkError(await declare(keyId, {}, { claims: admin, headers: key }), 'IDEMPOTENCY_KEY_REUSED');
  const refused = await declare(keyId, undefined, { claims: admin });
  checkError(refused, 'ROTATION_IN_PROGRESS');
  assert.equal(refused.json.error.rotationId, rotation.rotationId);
  const never = await declare(rotation.newKeyId);
  checkError(never, 'COMPROMISE_REFUSED');
  assert.deepEqual(never.json.error.issues, [{ path: 'keyId', message: 'names a key that is pre_active' }]);

  await api.send({
    method: 'POST',
    path: `${rotationsPath}/${rotation.rotationId}/cancel`,
    headers: bearer(),
  });
  checkError(await declare(rotation.newKeyId), 'COMPROMISE_REFUSED');
  await pool.query(`update rekey.deks set state = 'deactivated', deactivated_at = now() where id = $1`, [
    dekId,
  ]);
  for (const attempt of ['since this call', 'before it']) {
    const marked = await declare(keyId, { reason: attempt }, { claims: admin });
    assert.ok(conforms(CompromiseResponse, marked.json), marked.text);
    assert.deepEqual(
      [marked.json.data.state, marked.json.data.rotation, marked.json.data.records],
      ['compromised', null, 85],
    );
    assert.deepEqual(
      marked.json.data.targets.map((target: { records: number }) => target.records),
      [10, 25, 50],
    );
  }
  const { rows } = await pool.query(
    `select actor ->> 'id' as who, payload ->> 'reason' as reason from rekey.events
     where chain = $1 and kind = 'key.compromised'`,
    [tenantId],
  );
  assert.deepEqual(rows, [{ who: 'ada', reason: 'since this call' }], 'by whom and why, once');
});

test('a KEK is named, and refused as long as a live process has not proved it', async () => {
  const { tenantId } = await seededTenant(api.database);
  await registerKek(pool, 'second', 'local:second');
  const process = { processId: randomUUID(), kind: 'worker', host: 'a-host', version: '1' } as const;
  const report = (proved: readonly string[], ends = false): Promise<unknown> =>
    reportUsage(pool, {
      ...process,
      ends,
      toldAll: true,
      opened: [],
      proved: proved.map((kekId) => ({ kekId, ms: 0 })),
      latencies: {},
    });
  await report([]);
  const refused = await rotate(tenantId, { kek: 'second', compromise: true });
  checkError(refused, 'KEK_REFUSED');
  assert.match(refused.json.error.issues[0].message, /has not proved this KEK/);
  await report(['local:second']);
  const started = await rotate(tenantId, { kek: 'second', compromise: true });
  assert.equal(started.status, 200, started.text);
  const { rows } = await pool.query('select kek_id from rekey.rotations where tenant_id = $1', [tenantId]);
  assert.deepEqual(rows, [{ kek_id: 'local:second' }]);
  for (const kek of ['local:/etc/passwd', 'aws-kms:arn', 'A', ''])
    checkError(await rotate(tenantId, { kek }), 'INVALID_REQUEST');
  await report([], true);
});
