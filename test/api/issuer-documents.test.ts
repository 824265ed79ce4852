import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { issuerKeys } from '@rekey/api';
import { SignJWT } from 'jose';
import { thisFile } from '../harness/cleanup.ts';
import { checkError } from './check-error.ts';
import { hs256, inAnHour, liveApi, rotateCall } from './live-api.ts';
import { localIssuer, signingKey } from './local-issuer.ts';

const key = await signingKey('k');
type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** An issuer that answers discovery and keys as it is told, and an API that trusts it. */
async function issuerThat(serves: { discovery?: Serve; keys?: Serve }) {
  const fetched: string[] = [];
  const server = createServer((request, response) => {
    fetched.push(request.url ?? '');
    response.on('error', () => {});
    if (request.url === '/keys') {
      if (serves.keys !== undefined) return serves.keys(request, response);
      return void response.end(JSON.stringify({ keys: [key.publicJwk] }));
    }
    if (serves.discovery !== undefined) return serves.discovery(request, response);
    response.end(JSON.stringify({ issuer: base, jwks_uri: `${base}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  thisFile.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const sign = (kid = 'k'): Promise<string> =>
    new SignJWT({ sub: 'ada', iss: base, exp: inAnHour(), roles: ['super_admin'] })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(key.privateKey);
  return { base, fetched, serves, sign };
}

/** An API with a realm for each of them, `realm-0` by default. */
async function apiOf(...bases: string[]) {
  const issuers = new Map(bases.map((base, index) => [`realm-${index}`, base]));
  const { claimPaths } = hs256;
  return liveApi({
    auth: { kind: 'oidc', defaultRealm: 'realm-0', claimPaths, issuers, audience: undefined },
  });
}

const json =
  (document: unknown): Serve =>
  (_request, response) =>
    response.end(JSON.stringify(document));

/** Blanks until the other side has had enough; what it took is in `sent`. */
function endless(sent: { bytes: number }): Serve {
  return (_request, response) => {
    const blanks = Buffer.alloc(64 * 1024, 0x20);
    const more = (): void => {
      while (!response.destroyed && sent.bytes < 2 ** 30) {
        sent.bytes += blanks.length;
        if (!response.write(blanks)) return void response.once('drain', more);
      }
      response.end();
    };
    response.write('{"keys":[');
    more();
  };
}

test('documents of an issuer that are not what they should be come to 503, soon, and cost little', async () => {
  const sent = { bytes: 0 };
  const redirect =
    (status: number): Serve =>
    (_request, response) =>
      void response.writeHead(status, { location: '/elsewhere' }).end();
  const manyKeys = Array.from({ length: 501 }, (_, n) => ({ ...key.publicJwk, kid: `k${n}`, n: 'AQAB' }));
  const rows: Readonly<Record<string, { discovery?: Serve; keys?: Serve }>> = {
    'discovery redirects': { discovery: redirect(302) },
    'discovery redirects for good': { discovery: redirect(308) },
    'keys redirect': { keys: redirect(307) },
    'discovery without end': { discovery: endless(sent) },
    'keys without end': { keys: endless(sent) },
    'keys that are a gigabyte once unpacked': {
      keys: (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)));
      },
    },
    'more keys than anybody has': { keys: json({ keys: manyKeys }) },
    'no keys': { keys: json({ keys: [] }) },
    'keys for encryption only': { keys: json({ keys: [{ ...key.publicJwk, use: 'enc' }] }) },
    'keys that are secrets': { keys: json({ keys: [{ kty: 'oct', k: 'AAAA' }] }) },
    'keys that are no objects': { keys: json({ keys: [null, 5, 'x', []] }) },
    'keys that are no list': { keys: json({ keys: {} }) },
    'a list': { keys: json([]) },
    'no JSON': { keys: (_request, response) => void response.end('<html>') },
    'no UTF-8': { keys: (_request, response) => void response.end(Buffer.from([0x7b, 0xff, 0x7d])) },
    'not a 200': { keys: (_request, response) => void response.writeHead(203).end('{}') },
    'a jwks_uri that is a file': {
      discovery: (request, response) =>
        json({ issuer: issuerOf(request), jwks_uri: 'file:///etc/passwd' })(request, response),
    },
    'a jwks_uri in plain HTTP elsewhere': {
      discovery: (request, response) =>
        json({ issuer: issuerOf(request), jwks_uri: 'http://192.0.2.1/keys' })(request, response),
    },
    'a jwks_uri that is no URL': {
      discovery: (request, response) =>
        json({ issuer: issuerOf(request), jwks_uri: '/keys' })(request, response),
    },
    'a jwks_uri that only looks like this machine': {
      discovery: (request, response) =>
        json({ issuer: issuerOf(request), jwks_uri: 'http://127.0.0.1.example.com/keys' })(request, response),
    },
  };
  const issuers = await Promise.all(Object.values(rows).map(issuerThat));
  const api = await apiOf(...issuers.map(({ base }) => base));
  for (const [index, what] of Object.keys(rows).entries()) {
    const { fetched, sign } = issuers[index] ?? assert.fail();
    const from = performance.now();
    const jwt = await sign(what.startsWith('more keys') ? 'k7' : 'k');
    const headers = { authorization: `Bearer ${jwt}`, realmname: `realm-${index}` };
    checkError(await api.send(rotateCall(randomUUID(), { headers })), 'SERVICE_UNAVAILABLE', what);
    assert.ok(performance.now() - from < 10_000, what);
    assert.ok(!fetched.includes('/elsewhere'), what);
  }
  assert.ok(sent.bytes < 64 * 1024 * 1024, `${sent.bytes} bytes were taken`);
});

function issuerOf({ headers }: IncomingMessage): string {
  return `http://${headers.host}`;
}

test('a set of keys that is empty for a moment does not end the tokens that hold', async () => {
  const issuer = await issuerThat({});
  const api = await apiOf(issuer.base);
  const status = async (kid: string): Promise<number> =>
    (
      await api.send(
        rotateCall(randomUUID(), { headers: { authorization: `Bearer ${await issuer.sign(kid)}` } }),
      )
    ).status;
  assert.equal(await status('k'), 404);
  issuer.serves.keys = json({ keys: [] });
  assert.equal(await status('made-up'), 503);
  assert.equal(await status('k'), 404, 'the kept key goes on');
});

test('kept keys are believed for a day without their issuer, and not longer; other keys make another generation', async () => {
  const issuer = await localIssuer();
  issuer.keys.set('a', [key]);
  const clock = { ms: 0 };
  const keys = issuerKeys(issuer.issuerOf('a'), () => clock.ms);
  const find = async () => keys.find({ alg: 'RS256', kid: 'k' }, { payload: '', signature: '' });
  await find();
  const first = keys.inForce();
  assert.notEqual(first, null);
  clock.ms += 11 * 60_000;
  assert.equal(keys.inForce(), null, 'to be looked up again');
  await find();
  assert.equal(keys.inForce(), first, 'the same keys: nobody has to be verified again');
  issuer.keys.set('a', [key, await signingKey('k2')]);
  clock.ms += 11 * 60_000;
  await find();
  assert.notEqual(keys.inForce(), first, 'other keys');
  issuer.state.mode = 'failing';
  clock.ms += 23 * 3_600_000;
  await find();
  clock.ms += 2 * 3_600_000;
  await assert.rejects(find, { code: 'KEYS_UNAVAILABLE' });
  issuer.state.mode = 'up';
  clock.ms += 60_000;
  await find();
});
