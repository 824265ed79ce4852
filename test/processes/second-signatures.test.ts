import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import { pinnedKey, pinnedSecondKey, secondSignerBy, signerOf, verifyCertificate } from '@rekey/evidence';
import { openSecondSigningKey, openSigningKey } from '@rekey/kms';
import { createLogger } from '@rekey/runtime';
import { createKeepLog, readWorkerConfig } from '@rekey/worker';
import { createCertify } from '../../apps/worker/src/certify.ts';
import { bearer, liveApi } from '../api/live-api.ts';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { pool } = core;
const store = openStore({ ...patient, url: asRole(core.database.url, 'worker'), onError: () => {} });
thisFile.after(() => store.end());
const folder = await mkdtemp(join(tmpdir(), 'rekey-second-'));
thisFile.after(() => rm(folder, { recursive: true }));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ml-dsa-65');
const path = join(folder, 'second.pem');
await writeFile(path, other.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
const key = await openSecondSigningKey(`file:${path}`);
const secondSigner = secondSignerBy(await key.publicKey(), (bytes) => key.sign(bytes));
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
const signer = async () => signerOf(privateKey);
const keepLog = createKeepLog({ store, signer, file: undefined, logger });
const certify = createCertify({ store, signer, secondSigner, cover: keepLog.cover, logger });
const api = await liveApi({}, { databaseUrl: core.database.url });
const fetched = async (): Promise<string> => {
  const { tenantId } = await core.tenantWith(2);
  const { id } = await core.startAndRotate(tenantId);
  await certify(false);
  const path = `/api/v1/admin/dek/rotations/rot-${id}/certificate`;
  return (await api.send({ path, headers: { ...bearer(), accept: 'application/vnd.dsse+json' } })).text;
};
const jwks = async () => (await api.send({ path: '/.well-known/jwks.json' })).json;

test('a worker signs with both keys, and both stand in the JWK Set', async () => {
  const text = await fetched();
  const pinned = {
    keys: [pinnedKey(publicKey)],
    secondKeys: [pinnedSecondKey(other.publicKey)],
    needsSecond: true,
  };
  const verdict = verifyCertificate(text, pinned);
  assert.ok(verdict.verified, JSON.stringify(verdict));
  const set = await jwks();
  assert.deepEqual(
    set.keys.map(({ kty, alg }: { kty: string; alg: string }) => [kty, alg]),
    [
      ['OKP', 'EdDSA'],
      ['AKP', 'ML-DSA-65'],
    ],
  );
  const bySet = verifyCertificate(text, { jwks: set });
  assert.ok(bySet.verified && bySet.second?.isVerified === true);
  const { rows } = await pool.query(
    `select payload ->> 'kid' as kid from rekey.events where kind = 'signing.registered'`,
  );
  assert.ok(rows.some(({ kid }) => kid === secondSigner.kid));
  for (const statement of [
    `update rekey.second_signing_keys set not_before = now() - interval '1 year'`,
    'delete from rekey.second_signing_keys',
    'truncate rekey.second_signing_keys',
  ])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);
  const lie = store.query('select rekey.register_second_signing_key($1, $2)', [
    'a-name',
    Buffer.alloc(1_952),
  ]);
  assert.equal(await sqlState(lie), '23514');
});

test('a second key that is retired signs nothing, and neither does the first without it', async () => {
  const { rows } = await pool.query('select rekey.retire_signing_key($1) as done', [secondSigner.kid]);
  assert.deepEqual(rows, [{ done: true }]);
  assert.match(await fetched(), /CERTIFICATE_NOT_READY/);
  assert.ok(log.some((line) => line.includes('SECOND_SIGNING_KEY_URI')));
  const since = 'select rekey.compromise_signing_key_since($1, now() - $2::interval) as done';
  for (const [ago, done] of [
    ['1 hour', true],
    ['1 minute', false],
    ['2 hours', true],
  ])
    assert.deepEqual((await pool.query(since, [secondSigner.kid, ago])).rows, [{ done }]);
  const compromised = await pool.query('select rekey.compromise_signing_key($1) as done', [secondSigner.kid]);
  assert.deepEqual(compromised.rows, [{ done: false }]);
});

test('what is no file with such a key is refused, and so is a second key without a first', async () => {
  const ed25519 = join(folder, 'ed25519.pem');
  await writeFile(ed25519, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await assert.rejects(openSecondSigningKey(`file:${ed25519}`), /no ML-DSA-65 key/);
  await assert.rejects(openSigningKey(`file:${path}`), /no Ed25519 key/);
  await assert.rejects(openSecondSigningKey('pkcs11:object=a'), /must begin with file:/);
  const env = { DATABASE_URL: 'postgres://x@h/d', REDIS_URL: 'redis://h', KEK_URI: 'local:/k' };
  const given = { ...env, SECOND_SIGNING_KEY_URI: `file:${path}` };
  assert.throws(() => readWorkerConfig(given), /needs SIGNING_KEY_URI/);
  readWorkerConfig({ ...given, SIGNING_KEY_URI: 'file:/s' });
});
