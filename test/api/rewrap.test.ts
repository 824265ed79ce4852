import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, KeksResponse, RewrapPlanResponse, RewrapResponse, RewrapsResponse } from '@rekey/contract';
import { registerKek, reportUsage } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const mine = await seededTenant(api.database);
const other = await seededTenant(api.database);
const oldKek = 'local:test';
const newKek = 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/of-a-test';
await registerKek(pool, 'aws-frankfurt', newKek);
const [worker, vault] = [randomUUID(), randomUUID()];
const tell = (processId: string, kind: 'worker' | 'vault', kekIds: readonly string[]): Promise<void> =>
  reportUsage(pool, {
    processId,
    kind,
    host: `host-of-a-${kind}`,
    version: '1',
    ends: false,
    toldAll: true,
    opened: [],
    proved: kekIds.map((kekId) => ({ kekId, ms: 1 })),
    latencies: {},
  });
await tell(worker, 'worker', [oldKek, newKek]);
await tell(vault, 'vault', [oldKek, newKek]);

const bound = (role: string) => ({ roles: [role], tenantId: mine.tenantId });
const post = (
  path: string,
  body: unknown,
  claims: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: `/api/v1/admin/${path}`,
    body,
    headers: { ...bearer(claims), ...headers },
  });
const get = (path: string, claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: `/api/v1/admin/${path}`, headers: bearer(claims) });
const steer = (id: string, verb: string, claims: Record<string, unknown> = {}): Promise<Answer> =>
  post(`kek/rewraps/${id}/${verb}`, { reason: 'a test' }, claims);

test('KEKs are listed by name with their DEKs by state and who can use them, and without where they are', async () => {
  const answer = await get('keks');
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(KeksResponse, answer.json), answer.text);
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
  const [aws, local]: any[] = (answer as Answer).json.data.keks;
  assert.equal(aws.name, 'aws-frankfurt');
  assert.equal(aws.provider, 'aws-kms');
  assert.deepEqual([aws.workers, aws.vaults, aws.keys.active], [1, 1, 0]);
  assert.equal(aws.processes.length, 2);
  assert.deepEqual([local.name, local.keys.active], [null, 2]);
  assert.doesNotMatch(answer.text, /uri/i);

  const own = (await get('keks', bound('security_auditor'))).json.data.keks;
  assert.deepEqual(
    own.map(({ name, keys, processes }: { name: string; keys: { active: number }; processes: [] }) => [
      name,
      keys.active,
      processes.length,
    ]),
    [
      ['aws-frankfurt', 0, 0],
      [null, 1, 0],
    ],
  );
  checkError(
    await get(`keks?tenantId=${other.tenantId}`, bound('security_admin')),
    'INSUFFICIENT_PERMISSIONS',
  );
});

test('a plan counts the DEKs under each KEK, fingerprints them, and names who lacks the one that is aimed at', async () => {
  const plan = await post(
    'kek/rewrap/plan',
    { tenantId: mine.tenantId, kek: 'aws-frankfurt' },
    bound('security_admin'),
  );
  assert.ok(conforms(RewrapPlanResponse, plan.json), plan.text);
  assert.deepEqual(
    [plan.json.data.keysToRewrap, plan.json.data.kmsCalls, plan.json.data.lacking],
    [1, 3, []],
  );
  const all = await post('kek/rewrap/plan', { all: true, kek: 'aws-frankfurt' });
  assert.equal(all.json.data.keysToRewrap, 2);
  assert.notEqual(all.json.data.fingerprint, plan.json.data.fingerprint);
  checkError(await post('kek/rewrap/plan', { all: true, kek: 'unknown' }), 'KEK_NOT_FOUND');
  checkError(
    await post('kek/rewrap/plan', { tenantId: randomUUID(), kek: 'aws-frankfurt' }),
    'TENANT_NOT_FOUND',
  );
  checkError(await post('kek/rewrap/plan', { kek: 'aws-frankfurt' }), 'INVALID_REQUEST');
  checkError(
    await post('kek/rewrap/plan', { all: true, kek: 'aws-frankfurt' }, bound('security_admin')),
    'INSUFFICIENT_PERMISSIONS',
  );
  checkError(
    await post('kek/rewrap/plan', { tenantId: mine.tenantId, kek: `local:/etc/passwd` }),
    'INVALID_REQUEST',
  );
});

test('a rewrap is started once, followed, paused, resumed and cancelled; its answer is replayed to the byte', async () => {
  const body = { tenantId: mine.tenantId, kek: 'aws-frankfurt', callsPerSecondMax: 5 };
  const key = { 'idempotency-key': randomUUID() };
  const started = await post('kek/rewrap', body, bound('security_admin'), key);
  assert.equal(started.status, 200, started.text);
  assert.ok(conforms(RewrapResponse, started.json), started.text);
  const { rewrapId, keysTotal, callsPerSecondMax } = started.json.data;
  assert.deepEqual([keysTotal, callsPerSecondMax], [1, 5]);
  checkError(
    await post('kek/rewrap', { ...body, kek: 'another' }, bound('security_admin'), key),
    'IDEMPOTENCY_KEY_REUSED',
  );
  const twice = await post('kek/rewrap', body);
  checkError(twice, 'REWRAP_IN_PROGRESS');
  assert.equal(twice.json.error.rewrapId, rewrapId);
  checkError(await post('kek/rewrap', { all: true, kek: 'aws-frankfurt' }), 'REWRAP_IN_PROGRESS');

  const foreign = { roles: ['security_admin'], tenantId: other.tenantId };
  for (const verb of ['pause', 'resume', 'cancel'])
    checkError(await steer(rewrapId, verb, foreign), 'REWRAP_NOT_FOUND');
  checkError(await get(`kek/rewraps/${rewrapId}`, foreign), 'REWRAP_NOT_FOUND');
  checkError(await steer(rewrapId, 'pause', bound('security_operator')), 'INSUFFICIENT_PERMISSIONS');
  assert.equal((await steer(rewrapId, 'pause')).json.data.status, 'paused');
  assert.equal((await steer(rewrapId, 'pause')).status, 200);
  assert.equal((await steer(rewrapId, 'resume')).json.data.status, 'in_progress');
  assert.equal(
    (await get(`kek/rewraps/${rewrapId}`, bound('security_auditor'))).json.data.rewrapId,
    rewrapId,
  );
  assert.equal((await steer(rewrapId, 'cancel')).json.data.status, 'cancelled');
  checkError(await steer(rewrapId, 'resume'), 'REWRAP_FINISHED');
  const replayed = await post('kek/rewrap', body, bound('security_admin'), key);
  assert.equal(replayed.text, started.text);

  const list = await get('kek/rewraps?limit=1');
  assert.ok(conforms(RewrapsResponse, list.json), list.text);
  assert.equal(list.json.data.rewraps[0]?.rewrapId, rewrapId);
  assert.deepEqual((await get('kek/rewraps', foreign)).json.data.rewraps, []);
  const kinds = await pool.query(
    `select kind, payload ->> 'reason' as reason, actor ->> 'id' as by from rekey.events
     where chain = $1 and kind like 'rewrap.%' order by sequence`,
    [mine.tenantId],
  );
  assert.deepEqual(kinds.rows, [
    { kind: 'rewrap.requested', reason: null, by: 'ada' },
    ...['paused', 'resumed', 'cancelled'].map((kind) => ({
      kind: `rewrap.${kind}`,
      reason: 'a test',
      by: 'ada',
    })),
  ]);
});

test('a live vault that has not proved the KEK is named, and only super_admin passes it over, with a reason', async () => {
  const lacking = randomUUID();
  await tell(lacking, 'vault', [oldKek]);
  const body = { tenantId: mine.tenantId, kek: 'aws-frankfurt' };
  const refused = await post('kek/rewrap', body);
  checkError(refused, 'REWRAP_REFUSED');
  assert.deepEqual(
    refused.json.error.issues.map(({ message }: { message: string }) => message),
    [`vault ${lacking} on host-of-a-vault has not proved this KEK`],
  );
  checkError(await post('kek/rewrap', { ...body, force: true }), 'INVALID_REQUEST');
  const forced = { ...body, force: true, reason: 'that vault is about to end' };
  checkError(await post('kek/rewrap', forced, bound('security_admin')), 'INSUFFICIENT_PERMISSIONS');
  const started = await post('kek/rewrap', forced);
  assert.equal(started.json.data.forced, true);
  assert.equal((await steer(started.json.data.rewrapId, 'cancel')).status, 200);
});
