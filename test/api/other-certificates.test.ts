import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { destroyKey, findRewrap, registerKek, startRewrap } from '@rekey/control';
import {
  certificateVerify,
  pinnedKey,
  seal,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';
import { createKeks, nameKeks } from '@rekey/kms';
import { createLogger } from '@rekey/runtime';
import { createCertify } from '../../apps/worker/src/certify.ts';
import { createKeepLog } from '../../apps/worker/src/keep-log.ts';
import { core, onlyMissing, pool, scheduled, worker } from '../control/destruction-desk.ts';
import { testKek } from '../harness/kek.ts';
import { testRedis } from '../harness/redis.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';
import { type Answer, bearer, liveApi } from './live-api.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey);
const keys = [pinnedKey(publicKey)];
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
// Under the role that a worker has.
const keepLog = createKeepLog({ store: worker, signer: async () => signer, file: undefined, logger });
const certify = createCertify({ store: worker, signer: async () => signer, cover: keepLog.cover, logger });
const api = await liveApi({}, { databaseUrl: core.database.url });
const fetched = (path: string, accept: string, claims = {}): Promise<Answer> =>
  api.send({ path: `/api/v1/admin${path}`, headers: { ...bearer(claims), accept } });

/** Both forms verify and say the same; strangers see none. */
async function served(path: string, tenantId: string) {
  const verdicts = [];
  for (const accept of ['application/vnd.dsse+json', 'application/jose']) {
    const answer = await fetched(path, accept);
    assert.equal(answer.status, 200);
    assert.equal(String(answer.headers['content-type']).split(';')[0], accept);
    const verdict = verifyCertificate(answer.text, { keys });
    assert.ok(verdict.verified);
    verdicts.push(verdict);
  }
  assert.deepEqual(verdicts[0]?.statement, verdicts[1]?.statement);
  const bound = (of: string) => ({ roles: ['security_auditor'], tenantId: of });
  assert.equal((await fetched(path, '*/*', bound(randomUUID()))).status, 404);
  if (tenantId !== '') assert.equal((await fetched(path, '*/*', bound(tenantId))).status, 200);
  assert.equal((await fetched(path, 'application/json')).status, 406);
  const [verdict] = verdicts;
  assert.ok(verdict?.covered, 'its last event is in the log');
  return verdict;
}

const eventOf = async (kind: string, member: string, id: string) =>
  (
    await pool.query(
      `select chain, sequence::int, encode(hash, 'hex') as hash from rekey.events
       where kind = $1 and payload ->> $2 = $3`,
      [kind, member, id],
    )
  ).rows[0];

test('the destruction of a key is certified with the conditions as they stood when it was destroyed', async (t) => {
  const { tenantId, old } = await scheduled();
  const path = `/keys/dek-${old}/destruction/certificate`;
  const early = await fetched(path, '*/*');
  assert.deepEqual([early.status, early.json.error.code], [404, 'CERTIFICATE_NOT_READY']);
  assert.match(String(early.headers['retry-after']), /^[0-9]+$/);
  await onlyMissing(old, {});
  assert.equal(await destroyKey(worker, old), true);
  await certify(false);
  const { kind, statement } = await served(path, tenantId);
  const { predicate } = statement;
  assert.equal(kind, 'destruction');
  assert.equal(statement.predicateType, 'https://rekey.dev/attestations/destruction/v1');
  assert.deepEqual(
    [predicate.keyId, predicate.tenantId, predicate.status, predicate.materialDeleted],
    [`dek-${old}`, tenantId, 'destroyed', true],
  );
  assert.deepEqual(predicate.requestedBy, { id: 'ada', realm: 'default' });
  assert.deepEqual([predicate.reason, predicate.kekId, predicate.kekVersion], [null, core.kek.id, null]);
  const conditions = predicate.conditions as Array<{
    name: string;
    state: string;
    evidence: Record<string, unknown>;
  }>;
  assert.deepEqual(
    conditions.map(({ name, state }) => `${name} ${state}`),
    ['out_of_use', 'drained', 'no_records', 'unused', 'backups', 'grace', 'approvals'].map(
      (name) => `${name} met`,
    ),
  );
  // By table, of those that have any.
  assert.deepEqual(conditions[2]?.evidence.records, {});
  assert.ok(conditions[2]?.evidence.countedAt);
  assert.ok(!JSON.stringify(predicate).includes('a-host'));
  assert.deepEqual(predicate.events, await eventOf('key.destroyed', 'keyId', old));

  // What the rows do not say is not kept, and the first one stays.
  const keep = async (changes: object) => {
    const forms = await seal(statementOf('destruction', { ...predicate, ...changes }), signer);
    return worker.query('select rekey.keep_certificate_of($1, $2, $3, $4, $5) as kept', [
      ...['destruction', old, signer.kid, forms.dsse, forms.jws],
    ]);
  };
  assert.equal(await sqlState(keep({ conditions: [] })), 'RK011');
  assert.equal(await sqlState(keep({ requestedBy: { id: 'eve', realm: 'default' } })), 'RK011');
  assert.deepEqual((await keep({})).rows, [{ kept: false }]);
  for (const statement of ['delete from rekey.other_certificates', 'truncate rekey.other_certificates'])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);

  const folder = await mkdtemp(join(tmpdir(), 'rekey-destroyed-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'c'), (await fetched(path, 'application/jose')).text);
  await writeFile(join(folder, 'pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const lines: string[] = [];
  const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
  assert.equal(await certificateVerify([join(folder, 'c'), '--key', join(folder, 'pem')], io), 0);
  assert.ok(lines.includes(`destroyed dek-${old}`), lines.join('\n'));
});

test('a rewrap is certified: from under which KEKs, how many keys, and that none is left', async () => {
  const fresh = await testKek();
  const keks = nameKeks(createKeks(core.kek, fresh), new Map([['new', fresh]]));
  const { tenantId } = await core.tenantWith(2);
  for (const [name, kekId] of keks.named) assert.equal(await registerKek(pool, name, kekId), 'registered');
  await workerHere({ databaseUrl: core.database.url, redis: testRedis() }, keks);
  for (const [of, path] of [
    [tenantId, ''],
    [null, ''],
  ] as const) {
    const rewrapId = randomUUID();
    const started = await startRewrap(pool, {
      ...{ rewrapId, tenantId: of, kekName: 'new', callsPerSecondMax: 1_000, force: true },
      ...{ reason: 'nobody else is here', actor: { id: 'ada', name: 'Ada', email: null }, idempotency: null },
    });
    assert.equal(started.kind, 'started', path);
    const done = await until(
      async () => {
        const view = await findRewrap(pool, rewrapId);
        return view?.completedAt === null ? undefined : view;
      },
      { what: 'the rewrap', timeoutMs: 60_000 },
    );
    await certify(false);
    const { kind, statement } = await served(`/kek/rewraps/rewrap-${rewrapId}/certificate`, of ?? '');
    const { predicate } = statement;
    assert.equal(kind, 'rewrap');
    assert.deepEqual([predicate.rewrapId, predicate.tenantId], [`rewrap-${rewrapId}`, of]);
    assert.deepEqual(predicate.kek, { name: 'new', kekId: fresh.id, versions: [] });
    assert.equal(predicate.reason, 'nobody else is here');
    const { atStart, rewrapped, setAside, remaining } = predicate.keys as Record<string, number>;
    assert.deepEqual([rewrapped, setAside, remaining], [done?.rewrapped, 0, 0]);
    assert.ok(Number(atStart) > 0 && Number(rewrapped) > 0);
    assert.deepEqual(predicate.from, [{ kekId: core.kek.id, rewrapped, setAside: 0, versions: [] }]);
    assert.deepEqual(predicate.events, await eventOf('rewrap.completed', 'rewrapId', rewrapId));
    assert.ok(!JSON.stringify(predicate).includes('"Ada"'));
  }
  assert.ok(!log.some((line) => line.includes('"level":"error"')), log.join('\n'));
});
