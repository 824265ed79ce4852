import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { accessTokensOnly, rememberCallers } from '@rekey/api';
import { signHs256 } from '../harness/tokens.ts';
import { checkError } from './check-error.ts';
import { hs256, inAnHour, jwtSecret, type LiveApi, liveApi, rotateCall } from './live-api.ts';
import { localIssuer, signingKey } from './local-issuer.ts';

const nobodysTenant = randomUUID();
const rsa = await signingKey('rsa-1');
const issuer = await localIssuer();
issuer.keys.set('a', [rsa]);
const oidcAuth = {
  kind: 'oidc',
  defaultRealm: 'a',
  claimPaths: hs256.claimPaths,
  issuers: new Map([['a', issuer.issuerOf('a')]]),
  audience: 'rekey',
} as const;
const byIssuer = await liveApi({ auth: oidcAuth });
const bySecret = await liveApi();

type Part = Record<string, unknown>;
type Rows = Readonly<Record<string, readonly [claims: Part, header?: Part]>>;
const now = (): number => Math.floor(Date.now() / 1_000);

async function checkEach(rows: Rows, code: 'TENANT_NOT_FOUND' | 'AUTHENTICATION_FAILED'): Promise<void> {
  const ask = async (api: LiveApi, jwt: string, what: string) =>
    checkError(
      await api.send(rotateCall(nobodysTenant, { headers: { authorization: `Bearer ${jwt}` } })),
      code,
      what,
    );
  for (const [what, [claims, header]] of Object.entries(rows)) {
    await ask(byIssuer, await issuer.sign('a', rsa, { aud: 'rekey', ...claims }, header), what);
    const forSecret = { sub: 'ada', roles: ['super_admin'], exp: inAnHour(), aud: 'rekey', ...claims };
    await ask(bySecret, signHs256(jwtSecret, forSecret, header), `HS256, ${what}`);
  }
}

test('a token that says it is of another kind is refused, by an issuer and by a secret', async () => {
  await checkEach(
    {
      'ID token with a hash of the access token': [{ nonce: 'n', at_hash: 'x', azp: 'rekey' }],
      'ID token with a hash, without nonce': [{ at_hash: 'x' }],
      'ID token of the hybrid flow': [{ c_hash: 'x', nonce: 'n' }],
      'ID token bound to a state': [{ s_hash: 'x' }],
      'ID token of the code flow (Auth0, Entra)': [{ nonce: 'n', sid: 's', auth_time: now() }],
      'ID token of Okta': [{ nonce: 'n', amr: ['pwd'], idp: 'i', ver: 1 }],
      'Keycloak ID token': [{ typ: 'ID', azp: 'rekey' }],
      'Keycloak refresh token': [{ typ: 'Refresh' }],
      'Keycloak offline token': [{ typ: 'Offline' }],
      'Keycloak logout token': [{ typ: 'Logout' }],
      'Keycloak registration token': [{ typ: 'RegistrationAccessToken' }],
      'Keycloak action token': [{ typ: 'execute-actions' }],
      'Cognito ID token': [{ token_use: 'id', 'cognito:username': 'ada' }],
      'a use that nobody knows': [{ token_use: 'refresh' }],
      'token_type refresh (simplejwt)': [{ token_type: 'refresh' }],
      'type refresh (flask-jwt-extended)': [{ type: 'refresh' }],
      'tokenName id_token (ForgeRock)': [{ tokenName: 'id_token' }],
      'logout token': [
        { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
        { typ: 'logout+jwt' },
      ],
      'logout token without its typ': [
        { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, sid: 's' },
      ],
      'security event token': [{ events: {} }, { typ: 'secevent+jwt' }],
      'DPoP proof': [{ htm: 'POST', htu: 'https://x' }, { typ: 'dpop+jwt' }],
      'introspection answer': [{}, { typ: 'token-introspection+jwt' }],
      'a typ with its media type': [{}, { typ: 'application/logout+jwt' }],
      'a typ that is no text': [{}, { typ: 5 }],
      'an empty typ': [{}, { typ: '' }],
      'a typ claim that is no text': [{ typ: ['Bearer'] }],
      'bound to a key (DPoP)': [{ cnf: { jkt: 'abc' } }, { typ: 'at+jwt' }],
      'bound to a certificate (mutual TLS)': [{ cnf: { 'x5t#S256': 'abc' } }, { typ: 'at+jwt' }],
      'bound to a key that it holds': [{ cnf: { jwk: {} } }],
      'bound to something odd': [{ cnf: 'x' }],
      'Keycloak DPoP token': [{ typ: 'DPoP', cnf: { jkt: 'abc' } }],
    },
    'AUTHENTICATION_FAILED',
  );
});

test('access tokens as issuers make them are taken', async () => {
  await checkEach(
    {
      bare: [{}],
      'without a typ in its header': [{}, { typ: undefined }],
      'RFC 9068': [{ client_id: 'c', iat: now(), jti: 'j' }, { typ: 'at+jwt' }],
      'RFC 9068, typ as a media type': [{ client_id: 'c' }, { typ: 'application/at+jwt' }],
      Keycloak: [
        {
          typ: 'Bearer',
          azp: 'console',
          aud: ['rekey', 'account'],
          sid: 's',
          acr: '1',
          auth_time: now(),
          scope: 'openid profile',
          realm_access: { roles: ['super_admin'] },
        },
        { typ: 'JWT' },
      ],
      'Keycloak before 24, with the nonce of the login': [{ typ: 'Bearer', azp: 'console', nonce: 'n' }],
      Auth0: [{ aud: ['rekey', 'https://x.auth0.com/userinfo'], azp: 'c', scope: 'openid', gty: 'password' }],
      'Entra v1': [{ appid: 'a', appidacr: '1', aio: 'x', uti: 'u', ver: '1.0', oid: 'o', tid: 't' }],
      'Entra v2': [{ azp: 'a', scp: 'rotate', ver: '2.0', oid: 'o', tid: 't', name: 'Ada' }],
      Cognito: [{ token_use: 'access', client_id: 'c', scope: 'x', 'cognito:groups': ['g'] }],
      Okta: [{ cid: 'c', uid: 'u', scp: ['rotate'], ver: 1 }],
      ForgeRock: [{ tokenName: 'access_token', token_type: 'Bearer', scope: ['x'], nonce: 'n' }],
      simplejwt: [{ token_type: 'access' }],
      'a type of something else': [{ type: 'service-account' }],
      'empty claims of other kinds': [{ cnf: null, events: null, nonce: null, typ: null }],
    },
    'TENANT_NOT_FOUND',
  );
});

test("Cognito's access token names its client instead of an audience; that of another client is refused", async () => {
  const rows: ReadonlyArray<readonly [claims: Part, status: number]> = [
    [{ token_use: 'access', client_id: 'rekey' }, 404],
    [{ token_use: 'access', client_id: 'other' }, 401],
    [{ token_use: 'access', client_id: 'rekey', aud: 'other' }, 401],
    [{ client_id: 'rekey' }, 401],
    [{ aud: ['other', ['rekey']] }, 401],
    [{ aud: { 0: 'rekey' } }, 401],
    [{ aud: [] }, 401],
  ];
  for (const [claims, status] of rows) {
    const authorization = `Bearer ${await issuer.sign('a', rsa, claims)}`;
    const answer = await byIssuer.send(rotateCall(nobodysTenant, { headers: { authorization } }));
    assert.equal(answer.status, status, JSON.stringify(claims));
  }
});

test('TOKEN_AGE_MAX: a token must say when it was issued, and is refused once that is too long ago', async () => {
  const limited = await liveApi({ auth: { ...hs256, tokenAgeMaxSeconds: 600 } });
  const rows: ReadonlyArray<readonly [claims: Part, status: number]> = [
    [{ iat: now() }, 404],
    [{ iat: now() - 590 }, 404],
    [{ iat: now() - 3, exp: now() + 1e9 }, 404],
    [{ iat: now() + 2 }, 404],
    [{ iat: now() - 0.5 }, 404],
    [{}, 401],
    [{ iat: null }, 401],
    [{ iat: String(now()) }, 401],
    [{ iat: [now()] }, 401],
    [{ iat: now() - 620 }, 401],
    [{ iat: 0 }, 401],
    [{ iat: -1e308 }, 401],
    [{ iat: now() + 60 }, 401],
    [{ iat: Date.now() }, 401],
  ];
  for (const [claims, status] of rows) {
    const jwt = signHs256(jwtSecret, { sub: 'ada', roles: ['super_admin'], exp: inAnHour(), ...claims });
    const headers = { authorization: `Bearer ${jwt}` };
    const answer = await limited.send(rotateCall(nobodysTenant, { headers }));
    assert.equal(answer.status, status, JSON.stringify(claims));
  }
});

test('a remembered token is not remembered longer than its age allows', async () => {
  const clock = { ms: 1_000_000_000 };
  const seconds = clock.ms / 1_000;
  const verify = async () => ({ sub: 'ada', iat: seconds, exp: seconds + 100_000 });
  const jwt = signHs256(jwtSecret, {});
  const find = rememberCallers(
    accessTokensOnly({ verify, keysInForce: () => 1 }, 60, () => clock.ms),
    ({ sub }) => ({
      realm: 'a',
      id: String(sub),
      name: null,
      email: null,
      roles: ['super_admin'],
      tenantId: null,
      expiresAtMs: null,
    }),
    () => clock.ms,
  );
  assert.equal((await find(jwt))?.id, 'ada');
  clock.ms += 59_000;
  assert.equal((await find(jwt))?.id, 'ada');
  clock.ms += 10_000;
  await assert.rejects(async () => find(jwt));
});
