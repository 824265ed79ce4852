import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pinnedKey, seal, signerOf, statementOf, verifyCertificate } from '@rekey/evidence';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-signing-'));
after(() => rm(folder, { recursive: true }));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const path = join(folder, 'signing.pem');
await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
const signer = signerOf(privateKey);
const keys = [pinnedKey(publicKey)];

// The owner of the schema, so that what stands in the way of an attack is no missing right.
const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({
  databaseUrl: database.url,
  workers: 2,
  workerEnv: { SIGNING_KEY_URI: `file:${path}` },
});

interface Kept {
  readonly dsse: string;
  readonly jws: string;
}
const certificateOf = (rotationId: string): Promise<Kept> =>
  until(
    async () => {
      const { rows } = await pool.query<Kept>(
        'select dsse, jws from rekey.rotation_certificates where rotation_id = $1',
        [rotationId.slice(4)],
      );
      return rows[0];
    },
    { what: 'a certificate', timeoutMs: 10_000 },
  );

test('two workers make one certificate of a rotation, within ten seconds, which says what was done', async () => {
  const tenant = await rekey.seedTenant(34);
  const started = await rekey.rotate(tenant.tenantId);
  const ended = await rekey.ended(started.body.data.rotationId);
  const { dsse, jws } = await certificateOf(ended.rotationId);
  const verdict = verifyCertificate(dsse, { keys });
  assert.ok(verdict.verified);
  const other = verifyCertificate(jws, { keys });
  assert.ok(other.verified);
  assert.deepEqual(other.statement, verdict.statement);
  const { predicate } = verdict.statement;
  assert.equal(predicate.rotationId, ended.rotationId);
  assert.equal(predicate.tenantId, tenant.tenantId);
  assert.equal(predicate.status, 'completed');
  // A key file has no versions.
  const kek = { kekId: rekey.kek.id, kekVersion: null };
  assert.deepEqual(predicate.newKey, { keyId: ended.newKeyId, ...kek });
  assert.deepEqual(predicate.previousKey, { keyId: ended.previousKeyId, ...kek });
  assert.ok(verdict.covered, 'a checkpoint in it covers its last event');
  assert.ok(!('reportedLatencies' in predicate), 'nobody reported any');
  assert.deepEqual(predicate.requestedBy, { id: 'ada', realm: 'default' });
  assert.deepEqual(predicate.itemsToRotate, ended.itemsToRotate);
  assert.deepEqual(predicate.itemsReencrypted, ended.itemsRotated);
  assert.deepEqual(predicate.itemsRemaining, { credentials: 0, apiKeys: 0, secrets: 0 });
  const times = predicate.times as Record<string, string>;
  assert.equal(times.completed, ended.completedAt);
  for (const [earlier, later] of [
    ['started', 'switched'],
    ['switched', 'drained'],
    ['proved', 'completed'],
  ] as const)
    assert.ok((times[earlier] ?? 'z') <= (times[later] ?? ''), `${earlier} ≤ ${later}`);
  const targets = predicate.targets as Array<Record<string, unknown>>;
  assert.deepEqual(
    targets.map(({ name, toRotate, reencrypted, superseded, setAside, remaining, merkleRoot }) => [
      name,
      toRotate,
      reencrypted,
      superseded,
      setAside,
      remaining,
      merkleRoot,
    ]),
    [
      ['api_keys', 4, 4, 0, 0, 0, null],
      ['credentials', 10, 10, 0, 0, 0, null],
      ['secrets', 20, 20, 0, 0, 0, null],
    ],
  );
  for (const { ranges, rangesProved } of targets) assert.ok(ranges === rangesProved && Number(ranges) > 0);
  const { rows } = await pool.query(
    `select chain, sequence::int, encode(hash, 'hex') as hash from rekey.events
     where rotation_id = $1 and kind = 'rotation.completed'`,
    [ended.rotationId.slice(4)],
  );
  assert.deepEqual(predicate.events, rows[0]);
  for (const name of ['Ada Example', 'ada@example.com']) assert.ok(!JSON.stringify(predicate).includes(name));

  const { rows: events } = await pool.query(`select from rekey.events where kind = 'signing.registered'`);
  assert.equal(events.length, 1, 'two workers with one key registered it once');
});

test('it is served bare by what is accepted, to those who may see the rotation, and its keys to everybody', async () => {
  const tenant = await rekey.seedTenant(17);
  const { rotationId } = await rekey.ended((await rekey.rotate(tenant.tenantId)).body.data.rotationId);
  const { dsse, jws } = await certificateOf(rotationId);
  const base = rekey.apis[0]?.url ?? '';
  const ask = (accept: string, headers = {}, id = rotationId) =>
    fetch(`${base}/api/v1/admin/dek/rotations/${id}/certificate`, {
      headers: { authorization: `Bearer ${rekey.token}`, accept, ...headers },
    });
  for (const [accept, type, text] of [
    ['*/*', 'application/vnd.dsse+json', dsse],
    ['application/vnd.dsse+json', 'application/vnd.dsse+json', dsse],
    ['application/jose', 'application/jose', jws],
    ['application/vnd.dsse+json;q=0.1, application/jose', 'application/jose', jws],
  ] as const) {
    const answer = await ask(accept);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type')?.split(';')[0], type);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(await answer.text(), text);
  }
  assert.equal((await ask('application/json')).status, 406);
  assert.equal((await ask('*/*', { 'x-tenantid': '00000000-0000-4000-8000-000000000000' })).status, 404);
  // Where no worker takes it up.
  const idle = await installation({ workers: 0 });
  const unfinished = (await idle.rotate((await idle.seedTenant(17)).tenantId)).body.data.rotationId;
  const none = await fetch(`${idle.apis[0]?.url}/api/v1/admin/dek/rotations/${unfinished}/certificate`, {
    headers: { authorization: `Bearer ${idle.token}`, accept: 'application/jose' },
  });
  assert.equal(none.status, 404);
  assert.match(none.headers.get('retry-after') ?? '', /^[0-9]+$/);
  assert.equal(((await none.json()) as { error: { code: string } }).error.code, 'CERTIFICATE_NOT_READY');
  const set = await fetch(`${base}/.well-known/jwks.json`);
  assert.equal(set.headers.get('cache-control'), 'public, max-age=60');
  assert.ok(verifyCertificate(jws, { jwks: await set.json() }).verified);
});

test('a certificate and a key stay as they are, also for the owner of the schema', async () => {
  for (const statement of [
    `update rekey.rotation_certificates set dsse = '{}'`,
    'delete from rekey.rotation_certificates',
    'truncate rekey.rotation_certificates',
    `update rekey.signing_keys set not_before = now() - interval '1 year'`,
    'delete from rekey.signing_keys',
    'truncate rekey.signing_keys cascade',
  ])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);
  const alien = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? '';
  const lie = pool.query('select rekey.register_signing_key($1, $2)', [
    'a-name',
    Buffer.from(alien, 'base64url'),
  ]);
  assert.equal(await sqlState(lie), '23514');
});

test('what the rows do not say is not kept, and there is no second certificate', async () => {
  const { rows } = await pool.query<{ id: string; facts: Record<string, unknown> }>(
    `select rotation_id as id, rekey.certificate_facts(rotation_id) as facts from rekey.rotation_certificates limit 1`,
  );
  const [{ id, facts }] = rows as [(typeof rows)[number]];
  const keep = async (changes: object) => {
    const predicate = { ...facts, signedAt: new Date().toISOString(), ...changes };
    const forms = await seal(
      statementOf('rotation', predicate as unknown as Parameters<typeof statementOf>[1]),
      signer,
    );
    return pool.query('select rekey.keep_certificate($1, $2, $3, $4) as kept', [
      id,
      signer.kid,
      forms.dsse,
      forms.jws,
    ]);
  };
  assert.equal(await sqlState(keep({ itemsRemaining: { credentials: 1 } })), 'RK011');
  assert.equal(await sqlState(keep({ requestedBy: { id: 'eve', realm: null } })), 'RK011');
  assert.deepEqual((await keep({})).rows, [{ kept: false }]);
});

test('a retired key signs nothing more; the new one does, and old certificates still verify', async () => {
  const { rows } = await pool.query<Kept>('select dsse, jws from rekey.rotation_certificates limit 1');
  assert.ok(rows[0]);
  const retired = await pool.query('select rekey.retire_signing_key($1) as done', [signer.kid]);
  assert.deepEqual(retired.rows, [{ done: true }]);
  const tenant = await rekey.seedTenant(17);
  const ended = await rekey.ended((await rekey.rotate(tenant.tenantId)).body.data.rotationId);
  const next = generateKeyPairSync('ed25519');
  const nextPath = join(folder, 'next.pem');
  await writeFile(nextPath, next.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await rekey.addWorker({ SIGNING_KEY_URI: `file:${nextPath}` });
  const { dsse } = await certificateOf(ended.rotationId);
  const verdict = verifyCertificate(dsse, { keys: [pinnedKey(next.publicKey)] });
  assert.ok(verdict.verified, 'signed by the new key');
  assert.ok(verifyCertificate(rows[0].dsse, { keys }).verified);
});
