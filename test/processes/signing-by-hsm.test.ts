import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  keysOfJwks,
  pinnedKey,
  readCheckpoints,
  signerOfCheckpoint,
  verifyCertificate,
} from '@rekey/evidence';
import { createTestDatabase } from '../harness/database.ts';
import { type Installation, installation } from '../harness/installation.ts';
import { skipWithoutSoftHsm, startSoftHsm } from '../harness/softhsm.ts';
import { until } from '../harness/wait.ts';

async function inFolder(t: TestContext): Promise<(name: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-hsm-signing-'));
  t.after(() => rm(folder, { recursive: true }));
  return (name) => join(folder, name);
}

const certified = async (rekey: Installation): Promise<string> => {
  const tenant = await rekey.seedTenant(17);
  const { rotationId } = await rekey.ended((await rekey.rotate(tenant.tenantId)).body.data.rotationId);
  return until(
    async () => {
      const answer = await fetch(
        `${rekey.apis[0]?.url}/api/v1/admin/dek/rotations/${rotationId}/certificate`,
        { headers: { authorization: `Bearer ${rekey.token}` } },
      );
      return answer.status === 200 ? answer.text() : undefined;
    },
    { what: 'a certificate', timeoutMs: 60_000 },
  );
};

test('signing moves from a file to a token: certificates and checkpoints are its, and old ones verify', {
  skip: skipWithoutSoftHsm,
}, async (t) => {
  const at = await inFolder(t);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(at('signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const hsm = await startSoftHsm(t);
  await hsm.newSigningKey();
  const database = await createTestDatabase();
  const pool = database.pool();
  const rekey = await installation({ databaseUrl: database.url, workers: 0 }, t);
  const jwks = async () =>
    (await (await fetch(`${rekey.apis[0]?.url}/.well-known/jwks.json`)).json()) as {
      keys: Array<Record<string, unknown>>;
    };

  const before = await rekey.addWorker({ SIGNING_KEY_URI: `file:${at('signing.pem')}` });
  const old = await certified(rekey);
  const [fileKey] = (await jwks()).keys;
  await before.stop();
  const worker = await rekey.addWorker({
    ...hsm.env,
    SIGNING_KEY_URI: hsm.signingUri(),
    CHECKPOINT_FILE: at('checkpoints'),
  });
  await certified(rekey);
  await pool.query('select rekey.retire_signing_key($1)', [fileKey?.kid]);
  const now = await certified(rekey);

  // The API keeps what it has read for some seconds.
  const set = await until(
    async () => {
      const known = await jwks();
      const inUse = known.keys.filter(({ retiredAt }) => retiredAt === null);
      return known.keys.length === 2 && inUse.length === 1 ? known : undefined;
    },
    { what: 'the file’s key is retired, and the token’s is not' },
  );
  const ofToken = set.keys.find(({ kid }) => kid !== fileKey?.kid);
  const verdict = verifyCertificate(now, { jwks: set });
  assert.ok(verdict.verified, JSON.stringify(verdict));
  assert.equal(verdict.kid, ofToken?.kid);
  assert.ok(verifyCertificate(old, { jwks: set }).verified, 'what the file signed before is good');
  assert.ok(verifyCertificate(old, { keys: [pinnedKey(publicKey)] }).verified);
  assert.equal(verifyCertificate(now, { keys: [pinnedKey(publicKey)] }).verified, false);

  const checkpoint = await until(
    async () => readCheckpoints(await readFile(at('checkpoints'), 'utf8').catch(() => ''))[0],
    { what: 'a checkpoint', timeoutMs: 120_000 },
  );
  assert.equal(signerOfCheckpoint(checkpoint, keysOfJwks(set))?.kid, ofToken?.kid);

  // Nothing but signing waits for a token that lost its key, and it is said.
  await hsm.deleteKey('signing');
  const tenant = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  await until(
    () =>
      /the token has no such key.*no certificates are made: the signing key cannot be used/.test(
        worker.logs(),
      ),
    {
      what: 'the worker says why there is none',
      timeoutMs: 60_000,
    },
  );
});

test('a worker starts without its token and signs once that is there; a key file for all to read it refuses', {
  skip: skipWithoutSoftHsm,
}, async (t) => {
  const at = await inFolder(t);
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(at('open.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await chmod(at('open.pem'), 0o644);
  const rekey = await installation({ workers: 0 }, t);
  await assert.rejects(
    rekey.addWorker({ SIGNING_KEY_URI: `file:${at('open.pem')}` }),
    /SIGNING_KEY_URI: signing key file .*everybody can read it \(mode 0644\)/,
  );
  const hsm = await startSoftHsm(t);
  await hsm.newSigningKey();
  await rename(hsm.pinFile, `${hsm.pinFile}-away`);
  const worker = await rekey.addWorker({ ...hsm.env, SIGNING_KEY_URI: hsm.signingUri() });
  const away = /the signing key is away: nothing is signed until it is back/;
  await until(() => away.test(worker.logs()), { what: 'it says so' });
  await rename(`${hsm.pinFile}-away`, hsm.pinFile);
  assert.match(await certified(rekey), /^\{"payload"/);
});
