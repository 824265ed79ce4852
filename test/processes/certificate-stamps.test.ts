import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import { certificatesIn, signerOf, stampedBytes, verifyCertificate } from '@rekey/evidence';
import { createLogger } from '@rekey/runtime';
import { createKeepLog, stampCertificates } from '@rekey/worker';
import { createCertify } from '../../apps/worker/src/certify.ts';
import { bearer, liveApi } from '../api/live-api.ts';
import { type Owner, thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { testRedis } from '../harness/redis.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { createAuthority, openssl, startTsa } from '../harness/tsa.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const { skip } = openssl;
const core = await rotationCore();
const { pool } = core;
// Under the role that a worker has.
const store = openStore({ ...patient, url: asRole(core.database.url, 'worker'), onError: () => {} });
thisFile.after(() => store.end());
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey);
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
const keepLog = createKeepLog({ store, signer: async () => signer, file: undefined, logger });
const certify = createCertify({ store, signer: async () => signer, cover: keepLog.cover, logger });
const api = await liveApi({}, { databaseUrl: core.database.url });
const authority = skip ? null : await createAuthority(thisFile);
const cas = authority === null ? [] : certificatesIn(await readFile(authority.root.certificate, 'latin1'));
const tsa = authority === null ? null : await startTsa(thisFile, authority, await authority.signer());
const parts = () => {
  assert.ok(authority !== null && tsa !== null);
  return { authority, tsa };
};
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** A rotation with its certificate. */
async function certified(): Promise<string> {
  const { tenantId } = await core.tenantWith(2);
  const rotationId = (await core.startAndRotate(tenantId)).id;
  await certify(false);
  return rotationId;
}
const fetched = (rotationId: string, accept: string) =>
  api.send({
    path: `/api/v1/admin/dek/rotations/rot-${rotationId}/certificate`,
    headers: { ...bearer(), accept },
  });
const tokenOf = async (rotationId: string): Promise<Buffer | undefined> =>
  (
    await pool.query('select token from rekey.certificate_stamps where subject = $1 and token is not null', [
      rotationId,
    ])
  ).rows[0]?.token;
const keptOf = (rotationId: string): Promise<Buffer> =>
  until(() => tokenOf(rotationId), { what: 'a time stamp' });

/** A worker's part of it, until the test ends. */
function stamping(owner: Owner, url: string, trusted = cas, answerMs = 20_000): AbortController {
  const stop = new AbortController();
  const done = stampCertificates({
    ...{ store, url, cas: trusted, logger, signal: stop.signal },
    times: { everyMs: 10, tellMs: 30, answerMs },
  });
  owner.after(async () => {
    stop.abort();
    await done;
  });
  return stop;
}
/** Whom a worker asked lately, it asks again at once. */
const forget = () =>
  pool.query(`update rekey.certificate_stamps set asked_at = now() - interval '1 hour' where token is null`);

test('each certificate is there without a time stamp, and has one once somebody was asked: the same for everybody', {
  skip,
}, async (t) => {
  const { authority, tsa } = parts();
  const rotationId = await certified();
  const early = await fetched(rotationId, bundleType);
  assert.equal(early.status, 200);
  assert.equal(String(early.headers['content-type']).split(';')[0], bundleType);
  const bare = verifyCertificate(early.text, { jwks: { keys: [publicKey.export({ format: 'jwk' })] } });
  assert.ok(bare.verified && bare.stamp === null);

  // Two workers, and it is asked for once.
  stamping(t, tsa.url);
  stamping(t, tsa.url);
  await keptOf(rotationId);
  assert.equal(tsa.asked(), 1);
  const { text } = await fetched(rotationId, bundleType);
  const dsse = (await fetched(rotationId, 'application/vnd.dsse+json')).text;
  const { signatures, ...rest } = JSON.parse(dsse);
  assert.deepEqual(JSON.parse(text).dsseEnvelope, { ...rest, signatures: [{ sig: signatures[0].sig }] });
  const answer =
    JSON.parse(text).verificationMaterial.timestampVerificationData.rfc3161Timestamps[0].signedTimestamp;
  assert.ok(await authority.accepts(Buffer.from(answer, 'base64'), stampedBytes(dsse)), 'openssl takes it');
});

test('what an authority answers that is no time stamp of this signature is not kept, and said once', {
  skip,
}, async (t) => {
  const { authority, tsa } = parts();
  const own = await authority.signer();
  const stranger = await createAuthority(t);
  const strange = await stranger.signer();
  /** To another question, by a bit of its hash or of its nonce, behind which three bytes stand. */
  const toAnother = (query: Buffer, at: number): Promise<Buffer> => {
    const changed = Buffer.from(query);
    changed[at] = (changed[at] ?? 0) ^ 1;
    return authority.answer(changed, own);
  };
  const send = (response: ServerResponse, body: Buffer | string): void =>
    void response.writeHead(200).end(body);
  const hostile: Array<[string, RegExp, (response: ServerResponse, query: Buffer) => void | Promise<void>]> =
    [
      ['another nonce', /another question/, async (r, q) => send(r, await toAnother(q, q.length - 4))],
      ['of something else', /something else/, async (r, q) => send(r, await toAnother(q, 30))],
      ['one by a stranger', /vouches/, async (r, q) => send(r, await stranger.answer(q, strange))],
      ['refused', /grants no/, (r) => send(r, Buffer.from('30053003020102', 'hex'))],
      ['no DER', /grants no/, (r) => send(r, '<html>')],
      ['nothing', /grants no/, (r) => send(r, '')],
      ['too much', /more than/, (r) => send(r, Buffer.alloc(70_000))],
      ['without an end', /more than|not answer/, (r) => void endless(r)],
      ['an error', /answers 503/, (r) => void r.writeHead(503).end()],
      ['sent elsewhere', /answers 307/, (r) => void r.writeHead(307, { location: tsa.url }).end()],
      ['silent', /not answer/, () => {}],
      ['broken off', /not answer/, (r) => void r.socket?.destroy()],
    ];
  const rotationId = await certified();
  for (const [what, said, instead] of hostile) {
    await forget();
    log.length = 0;
    tsa.instead = instead;
    // An answer takes this machine's openssl a while.
    const stop = stamping(t, tsa.url, cas, what === 'silent' || what === 'without an end' ? 300 : 20_000);
    const isTold = async (): Promise<boolean> => {
      await forget();
      return log.some((line) => line.includes('"warn"'));
    };
    await until(isTold, { what });
    stop.abort();
    const told = log.filter((line) => line.includes('CERTIFICATE_TIMESTAMP_URL'));
    assert.equal(told.length, 1, what);
    assert.match(String(told[0]), said, what);
  }
  assert.equal(await tokenOf(rotationId), undefined);
  tsa.instead = null;
  log.length = 0;
  await forget();
  stamping(t, tsa.url);
  await keptOf(rotationId);
});

function endless(response: ServerResponse): void {
  response.writeHead(200);
  const more = (): void => {
    if (!response.destroyed) response.write(Buffer.alloc(10_000), () => setImmediate(more));
  };
  more();
}

test('a time stamp that is kept stays, is of that certificate, and is nobody else’s to keep', {
  skip,
}, async () => {
  const { rows } = await pool.query('select kind, subject, token from rekey.certificate_stamps limit 1');
  const [{ kind, subject, token }] = rows;
  for (const statement of [
    'update rekey.certificate_stamps set token = null, stamped_at = null',
    'delete from rekey.certificate_stamps',
    'truncate rekey.certificate_stamps',
  ])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);
  const keep = (of: string, bytes: Buffer) =>
    store.query('select rekey.keep_certificate_stamp($1, $2, $3) as kept', [kind, of, bytes]);
  assert.equal(await sqlState(keep(subject, Buffer.alloc(100))), 'RK011');
  assert.equal(await sqlState(keep('3fa85f64-5717-4562-b3fc-2c963f66afa6', token)), 'RK011');
  assert.deepEqual((await keep(subject, token)).rows, [{ kept: false }], 'the first stays');
});

test('a worker has certificates from before it was told of an authority stamped as well', {
  skip,
}, async (t) => {
  const { authority, tsa } = parts();
  const rotationId = await certified();
  await workerHere({ databaseUrl: core.database.url, redis: testRedis() }, core.kek, t, {
    config: { CERTIFICATE_TIMESTAMP_URL: tsa.url, CERTIFICATE_TIMESTAMP_CA: authority.root.certificate },
  });
  await keptOf(rotationId);
});

test('of a key that is in other hands counts what was stamped before; since when may turn out to be earlier', {
  skip,
}, async (t) => {
  const { tsa } = parts();
  const rotationId = await certified();
  const stop = stamping(t, tsa.url);
  await keptOf(rotationId);
  stop.abort();
  // As exact as the authority's clock is.
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  const late = await certified();
  const declare = async (since: string): Promise<boolean> => {
    const { rows } = await pool.query(
      'select rekey.compromise_signing_key_since($1, clock_timestamp() + $2::interval) as done',
      [signer.kid, since],
    );
    return rows[0].done;
  };
  const verdictOf = async (of: string) => {
    const { text } = await fetched(of, bundleType);
    const { rows } = await pool.query('select compromised_at as at from rekey.signing_keys');
    const jwk = { ...publicKey.export({ format: 'jwk' }), compromisedAt: rows[0].at.toISOString() };
    const verdict = verifyCertificate(text, { jwks: { keys: [jwk] }, tsaCas: cas });
    return verdict.verified ? 'verified' : verdict.refusal;
  };
  // Not of a time to come.
  assert.equal(await declare('1 hour'), true);
  assert.equal(await verdictOf(rotationId), 'verified');
  assert.equal(await verdictOf(late), 'KEY_COMPROMISED');
  assert.equal(await declare('0'), false);
  assert.equal(await declare('-1 hour'), true);
  assert.equal(await declare('-30 minutes'), false);
  assert.equal(await verdictOf(rotationId), 'KEY_COMPROMISED');
  const back = pool.query(`update rekey.signing_keys set compromised_at = now()`);
  assert.equal(await sqlState(back), 'RK010');
  const { rows } = await pool.query(
    `select payload from rekey.events where kind = 'signing.compromised' order by sequence`,
  );
  assert.deepEqual(
    rows.map(({ payload }) => [payload.kid, typeof payload.since]),
    [
      [signer.kid, 'string'],
      [signer.kid, 'string'],
    ],
  );
  // Nobody asks for one that would be worth nothing.
  await forget();
  const due = await store.query(`select kind from rekey.claim_certificate_stamps(interval '1 hour', 10)`);
  assert.deepEqual([due.rows, await tokenOf(late)], [[], undefined]);
});
