import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { signHs256 } from '../harness/tokens.ts';
import { checkError } from './check-error.ts';
import { bearer, hs256, inAnHour, jwtSecret, liveApi, rotateCall, rotationsPath, token } from './live-api.ts';

const api = await liveApi();
const nobodysTenant = randomUUID();
const unsigned = (header: object, claims: object): string =>
  `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
const good = { sub: 'ada', roles: ['super_admin'], exp: inAnHour() };
const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

/** Gone through every check of the token: the tenant does not exist, and only who may act on it is told. */
async function admitted(authorization: string, what: string): Promise<void> {
  checkError(
    await api.send(rotateCall(nobodysTenant, { headers: { authorization } })),
    'TENANT_NOT_FOUND',
    what,
  );
}

test('a token that does not hold gets 401, with WWW-Authenticate and never a reason', async () => {
  const refused: Record<string, string | string[] | undefined> = {
    'no header': undefined,
    'empty header': '',
    'another scheme': `Basic ${token()}`,
    'no token': 'Bearer',
    'empty token': 'Bearer ',
    'not a JWT': 'Bearer abc',
    'two parts': `Bearer ${token().split('.').slice(0, 2).join('.')}`,
    'two spaces': `Bearer  ${token()}`,
    'two tokens': `Bearer ${token()} ${token()}`,
    'sent twice': [`Bearer ${token()}`, `Bearer ${token()}`],
    expired: `Bearer ${token({ exp: secondsFromNow(-10) })}`,
    'no exp': `Bearer ${token({ exp: undefined })}`,
    'exp as text': `Bearer ${token({ exp: String(inAnHour()) })}`,
    'exp null': `Bearer ${token({ exp: null })}`,
    'not yet valid': `Bearer ${token({ nbf: secondsFromNow(60) })}`,
    'nbf as text': `Bearer ${token({ nbf: 'now' })}`,
    'wrong secret': `Bearer ${token({}, `${jwtSecret}!`)}`,
    'signature cut': `Bearer ${token().slice(0, -1)}`,
    'payload changed': `Bearer ${token().replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good, sub: 'eve' })).toString('base64url')}.`)}`,
    'alg none': `Bearer ${unsigned({ alg: 'none' }, good)}`,
    'alg none with a signature': `Bearer ${unsigned({ alg: 'none' }, good)}AAAA`,
    'HS512 named': `Bearer ${signHs256(jwtSecret, good, { alg: 'HS512' })}`,
    'RS256 named': `Bearer ${signHs256(jwtSecret, good, { alg: 'RS256' })}`,
    'alg missing': `Bearer ${signHs256(jwtSecret, good, { alg: undefined })}`,
    'alg in lower case': `Bearer ${signHs256(jwtSecret, good, { alg: 'hs256' })}`,
    'unknown crit': `Bearer ${signHs256(jwtSecret, good, { crit: ['x'], x: 1 })}`,
    'crit null': `Bearer ${signHs256(jwtSecret, good, { crit: null })}`,
    'no sub': `Bearer ${token({ sub: undefined })}`,
    'sub empty': `Bearer ${token({ sub: '' })}`,
    'sub a number': `Bearer ${token({ sub: 7 })}`,
    'sub with NUL': `Bearer ${token({ sub: 'a\0b' })}`,
    'sub too long': `Bearer ${token({ sub: 'x'.repeat(256) })}`,
    'claims are no object': `Bearer ${signHs256(jwtSecret, JSON.parse('[]'))}`,
  };
  const bodies = new Set<string>();
  for (const [what, authorization] of Object.entries(refused)) {
    const answer = await api.send(rotateCall(nobodysTenant, { headers: { authorization } }));
    checkError(answer, 'AUTHENTICATION_FAILED', what);
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
    const { requestId: _id, timestamp: _at, ...said } = answer.json;
    bodies.add(JSON.stringify(said));
    checkError(
      await api.send({ path: `${rotationsPath}/rot-x`, headers: { authorization } }),
      'AUTHENTICATION_FAILED',
      what,
    );
  }
  assert.equal(bodies.size, 1, 'every refusal says the same');
});

test('a token that holds is admitted; clocks may differ by some seconds', async () => {
  await admitted(`Bearer ${token()}`, 'good');
  await admitted(`bearer ${token()}`, 'the scheme in lower case');
  await admitted(`Bearer ${token({ exp: secondsFromNow(-2) })}`, 'expired 2 s ago');
  await admitted(`Bearer ${token({ nbf: secondsFromNow(3) })}`, 'valid in 3 s');
  await admitted(`Bearer ${token({ name: undefined, email: undefined })}`, 'no name, no email');
  await admitted(
    `Bearer ${token({ iss: 'anybody', aud: 'anything' })}`,
    'iss and aud, which are not configured',
  );
});

test('roles count from each place that the contract names, and from no other', async () => {
  const client = { resource_access: { 'my-client': { roles: ['super_admin'] } } };
  for (const claims of [
    { roles: ['x', 'super_admin'] },
    { roles: 'super_admin' },
    { roles: undefined, realm_access: { roles: ['super_admin'] } },
    { roles: undefined, ...client },
    { roles: [], ...client },
  ]) {
    await admitted(`Bearer ${token(claims)}`, JSON.stringify(claims));
  }
  for (const roles of [
    undefined,
    null,
    [],
    ['admin'],
    'super_admins',
    ['SUPER_ADMIN'],
    [['super_admin']],
    { super_admin: true },
    1,
    'a super_admin',
  ]) {
    const call = rotateCall(nobodysTenant, {
      headers: bearer({
        roles,
        role: 'super_admin',
        realm_access: ['super_admin'],
        resource_access: 'super_admin',
      }),
    });
    checkError(await api.send(call), 'INSUFFICIENT_PERMISSIONS', JSON.stringify(roles));
  }
});

test('security_admin acts on the tenant of its token and no other, super_admin on any', async () => {
  const other = randomUUID();
  const rows: ReadonlyArray<[claims: Record<string, unknown>, may: boolean]> = [
    [{ tenantId: nobodysTenant }, true],
    [{ tenantId: nobodysTenant.toUpperCase() }, true],
    [{ tenant_id: nobodysTenant }, true],
    [{ tenantId: 'junk', tenant_id: nobodysTenant }, true],
    // The installation, and nothing that looks like it.
    [{ tenantId: '*' }, true],
    [{ tenant_id: '*' }, true],
    [{ tenantId: other, tenant_id: '*' }, false],
    [{ tenantId: ['*'] }, false],
    [{ tenantId: '**' }, false],
    [{ tenantId: ' *' }, false],
    [{ tenantId: other }, false],
    [{ tenantId: other, tenant_id: nobodysTenant }, false],
    [{}, false],
    [{ tenantId: null }, false],
    [{ tenantId: [nobodysTenant] }, false],
    [{ tenantId: `${nobodysTenant} ` }, false],
    [{ tenantId: other, roles: ['security_admin', 'super_admin'] }, true],
  ];
  for (const [claims, may] of rows) {
    const answer = await api.send(
      rotateCall(nobodysTenant, { headers: bearer({ roles: ['security_admin'], ...claims }) }),
    );
    checkError(answer, may ? 'TENANT_NOT_FOUND' : 'INSUFFICIENT_PERMISSIONS', JSON.stringify(claims));
  }
});

test('realmname: the one realm by its name or by silence; any other gets 401', async () => {
  const named = await liveApi({ auth: { ...hs256, defaultRealm: 'acme' } });
  const rows: ReadonlyArray<[of: typeof api, realmname: string | string[] | undefined, known: boolean]> = [
    [api, undefined, true],
    [api, 'default', true],
    [api, 'Default', false],
    [api, 'acme', false],
    [api, '', false],
    [api, ['default', 'default'], false],
    [named, undefined, true],
    [named, 'acme', true],
    [named, 'default', false],
    [named, '__proto__', false],
  ];
  for (const [of, realmname, known] of rows) {
    const answer = await of.send(rotateCall(nobodysTenant, { headers: { realmname } }));
    checkError(answer, known ? 'TENANT_NOT_FOUND' : 'AUTHENTICATION_FAILED', String(realmname));
  }
});

test('iss and aud are required and compared once configured', async () => {
  const strict = await liveApi({ auth: { ...hs256, issuer: 'https://id.example.com', audience: 'rekey' } });
  const rows: ReadonlyArray<[claims: Record<string, unknown>, admitted: boolean]> = [
    [{ iss: 'https://id.example.com', aud: 'rekey' }, true],
    [{ iss: 'https://id.example.com', aud: ['other', 'rekey'] }, true],
    [{ iss: 'https://id.example.com' }, false],
    [{ aud: 'rekey' }, false],
    [{ iss: 'https://id.example.com/', aud: 'rekey' }, false],
    [{ iss: 'https://id.example.com', aud: 'rekey2' }, false],
    [{ iss: ['https://id.example.com'], aud: 'rekey' }, false],
    [{ iss: 'https://id.example.com', aud: [] }, false],
  ];
  for (const [claims, isAdmitted] of rows) {
    const answer = await strict.send(rotateCall(nobodysTenant, { headers: bearer(claims) }));
    checkError(answer, isAdmitted ? 'TENANT_NOT_FOUND' : 'AUTHENTICATION_FAILED', JSON.stringify(claims));
  }
});
