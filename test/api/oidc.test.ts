import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { ErrorCode } from '@rekey/contract';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import { type Answer, hs256, type LiveApi, liveApi, rotateCall, token } from './live-api.ts';
import { localIssuer, signingKey } from './local-issuer.ts';

const nobodysTenant = randomUUID();
const rsa = await signingKey('rsa-1');
const ec = await signingKey('ec-1', 'ES256');
const otherRealmsKey = await signingKey('b-1');

async function setUp(audience?: string) {
  const issuer = await localIssuer();
  issuer.keys.set('a', [rsa, ec]).set('b', [otherRealmsKey]);
  const issuers = new Map(['a', 'b'].map((realm) => [realm, issuer.issuerOf(realm)]));
  const api = await liveApi({
    auth: { kind: 'oidc', defaultRealm: 'a', claimPaths: hs256.claimPaths, issuers, audience },
  });
  return { issuer, api };
}

function ask(api: LiveApi, jwt: string, realmname?: string): Promise<Answer> {
  return api.send(rotateCall(nobodysTenant, { headers: { authorization: `Bearer ${jwt}`, realmname } }));
}

test('tokens signed with a published RS256 or ES256 key are admitted; the keys are fetched once', async () => {
  const { issuer, api } = await setUp();
  const jwts = await Promise.all([
    issuer.sign('a', rsa),
    issuer.sign('a', ec),
    issuer.sign('a', rsa, { sub: 'bob' }),
  ]);
  const answers = await Promise.all(jwts.map((jwt) => ask(api, jwt)));
  for (const answer of answers) checkError(answer, 'TENANT_NOT_FOUND');
  checkError(await ask(api, await issuer.sign('a', ec)), 'TENANT_NOT_FOUND');
  assert.deepEqual(issuer.state.fetches, ['a/.well-known/openid-configuration', 'a/keys']);
});

test('the realm header, from a configured list, decides whose keys and whose name count', async () => {
  const { issuer, api } = await setUp();
  const rows: ReadonlyArray<[jwt: string, realm: string | undefined, code: ErrorCode]> = [
    [await issuer.sign('a', rsa), undefined, 'TENANT_NOT_FOUND'],
    [await issuer.sign('a', rsa), 'a', 'TENANT_NOT_FOUND'],
    [await issuer.sign('b', otherRealmsKey), 'b', 'TENANT_NOT_FOUND'],
    [await issuer.sign('a', rsa), 'b', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('b', otherRealmsKey), 'a', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('b', otherRealmsKey), undefined, 'AUTHENTICATION_FAILED'],
    [await issuer.sign('b', rsa), 'b', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('a', otherRealmsKey), 'a', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('c', rsa), 'c', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('a', rsa), '../a', 'AUTHENTICATION_FAILED'],
    [await issuer.sign('a', rsa), '', 'AUTHENTICATION_FAILED'],
  ];
  for (const [jwt, realm, code] of rows) checkError(await ask(api, jwt, realm), code, String(realm));
  assert.ok(issuer.state.fetches.every((fetched) => /^[ab]\//.test(fetched)));
});

test('what cannot become valid asks the issuer for nothing', async () => {
  const { issuer, api } = await setUp();
  const ps256 = await signingKey('rsa-1', 'PS256');
  const signedWith = async (claims: Record<string, unknown>, header = {}): Promise<string> =>
    issuer.sign('a', rsa, claims, header);
  for (const jwt of [
    token(),
    token({ iss: issuer.issuerOf('a') }),
    await issuer.sign('a', ps256),
    await signedWith({ exp: 1 }),
    await signedWith({ exp: undefined }),
    await signedWith({ exp: 'soon' }),
    await signedWith({ iss: 'https://elsewhere.example' }),
    await signedWith({ iss: undefined }),
    await signedWith({}, { kid: 'x'.repeat(256) }),
    await signedWith({}, { kid: 'a b' }),
    await signedWith({}, { kid: '' }),
    'a.b.c',
  ]) {
    checkError(await ask(api, jwt), 'AUTHENTICATION_FAILED', jwt);
  }
  assert.deepEqual(issuer.state.fetches, []);
});

test('a token that the issuer did not sign, or not for now, is refused', async () => {
  const { issuer, api } = await setUp();
  const forged = { ...(await signingKey('rsa-1')), kid: 'rsa-1' };
  const inAMinute = Math.floor(Date.now() / 1_000) + 60;
  const good = await issuer.sign('a', rsa);
  for (const jwt of [
    await issuer.sign('a', forged),
    await issuer.sign('a', rsa, { nbf: inAMinute }),
    await issuer.sign('a', rsa, { sub: undefined }),
    await issuer.sign('a', rsa, { sub: 5 }),
    await issuer.sign('a', rsa, {}, { kid: 'ec-1' }),
    `${good.slice(0, -6)}AAAAAA`,
  ]) {
    checkError(await ask(api, jwt), 'AUTHENTICATION_FAILED', jwt);
  }
});

test('the audience is required and compared once configured', async () => {
  const { issuer, api } = await setUp('rekey');
  checkError(await ask(api, await issuer.sign('a', rsa, { aud: 'rekey' })), 'TENANT_NOT_FOUND');
  checkError(await ask(api, await issuer.sign('a', rsa, { aud: ['account', 'rekey'] })), 'TENANT_NOT_FOUND');
  for (const claims of [{}, { aud: 'account' }, { aud: [], azp: 'rekey' }]) {
    checkError(
      await ask(api, await issuer.sign('a', rsa, claims)),
      'AUTHENTICATION_FAILED',
      JSON.stringify(claims),
    );
  }
});

test('a new key of the issuer is found at once; a flood of made-up key ids is not passed on', async () => {
  const { issuer, api } = await setUp();
  checkError(await ask(api, await issuer.sign('a', rsa)), 'TENANT_NOT_FOUND');
  const fresh = await signingKey('rsa-2');
  issuer.keys.set('a', [fresh]);
  checkError(await ask(api, await issuer.sign('a', fresh)), 'TENANT_NOT_FOUND', 'the new key');
  checkError(await ask(api, await issuer.sign('a', rsa)), 'AUTHENTICATION_FAILED', 'the withdrawn key');
  const before = issuer.state.fetches.length;
  const flood = await Promise.all(
    Array.from({ length: 50 }, (_, index) => issuer.sign('a', rsa, {}, { kid: `made-up-${index}` })),
  );
  for (const answer of await Promise.all(flood.map((jwt) => ask(api, jwt))))
    checkError(answer, 'AUTHENTICATION_FAILED');
  assert.equal(issuer.state.fetches.length, before);
});

test('a token that was admitted is refused once its key is known to be withdrawn', async () => {
  const { issuer, api } = await setUp();
  const jwt = await issuer.sign('a', rsa);
  for (let call = 0; call < 3; call += 1) checkError(await ask(api, jwt), 'TENANT_NOT_FOUND');
  const fresh = await signingKey('rsa-2');
  issuer.keys.set('a', [fresh]);
  checkError(await ask(api, await issuer.sign('a', fresh)), 'TENANT_NOT_FOUND', 'the new key is fetched');
  checkError(await ask(api, jwt), 'AUTHENTICATION_FAILED', 'the same token');
});

test('while the issuer is away: 503 for a key that is not cached, cached ones go on working, and it heals', async () => {
  for (const mode of ['failing', 'hanging', 'lying'] as const) {
    const { issuer, api } = await setUp();
    issuer.state.mode = mode;
    const jwt = await issuer.sign('a', rsa);
    const away = await ask(api, jwt);
    checkError(away, 'SERVICE_UNAVAILABLE', mode);
    assert.match(String(away.headers['retry-after']), /^[1-9][0-9]*$/);
    checkError(
      await ask(api, await issuer.sign('a', rsa, { exp: 1 })),
      'AUTHENTICATION_FAILED',
      'expired is certain',
    );

    issuer.state.mode = 'up';
    await until(async () => (await ask(api, jwt)).status === 404, { what: `admission after ${mode}` });

    issuer.state.mode = mode;
    checkError(await ask(api, jwt), 'TENANT_NOT_FOUND', `cached, ${mode}`);
    checkError(
      await ask(api, await issuer.sign('a', rsa, {}, { kid: 'unknown' })),
      'SERVICE_UNAVAILABLE',
      mode,
    );
  }
});
