import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readApiConfig } from '@rekey/api';
import { ConfigError } from '@rekey/runtime';
import { jwtSecret } from './live-api.ts';

const good = {
  DATABASE_URL: 'postgres://user:hidden@db:5432/rekey',
  REDIS_URL: 'redis://:hidden@redis:6379',
  JWT_SECRET: jwtSecret,
};
const oidc = {
  ...good,
  JWT_SECRET: undefined,
  OIDC_ISSUER: 'https://id.example.com/realms/{realm}',
  OIDC_DEFAULT_REALM: 'main',
  OIDC_AUDIENCE: 'rekey',
};

/** The variables that the problems name; empty when there are none. */
function problemsOf(env: Record<string, string | undefined>): string[] {
  try {
    readApiConfig(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /hidden|in-the-value/, 'no value is told');
    return error.problems.map((problem) => problem.split(' ')[0] ?? '');
  }
}

test('every missing or malformed variable is a problem of its own, and no problem tells a value', () => {
  const rows: ReadonlyArray<[env: Record<string, string | undefined>, problems: string[]]> = [
    [good, []],
    [oidc, []],
    [{}, ['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET']],
    [{ ...good, DATABASE_URL: '' }, ['DATABASE_URL']],
    [{ ...good, DATABASE_URL: 'mysql://in-the-value' }, ['DATABASE_URL']],
    [{ ...good, DATABASE_URL: 'postgresql://db/rekey' }, []],
    [{ ...good, REDIS_URL: 'http://in-the-value' }, ['REDIS_URL']],
    [{ ...good, REDIS_URL: 'redis://a,b' }, ['REDIS_URL']],
    [{ ...good, REDIS_URL: 'rediss://user:p%40ss@redis:6380/2' }, []],
    [{ ...good, REDIS_URL: 'redis+sentinel://a:26379,b/master/1' }, []],
    [{ ...good, REDIS_URL: 'redis+sentinel://a:26379,b' }, ['REDIS_URL']],
    [{ ...good, REDIS_URL: 'rediss+cluster://user:p@a,b:7000' }, []],
    [{ ...good, DATABASE_CONNECTIONS_MAX: '1' }, ['DATABASE_CONNECTIONS_MAX']],
    [{ ...good, DATABASE_CONNECTIONS_MAX: '2' }, []],
    [{ ...good, PORT: '70000' }, ['PORT']],
    [{ ...good, PORT: '-1' }, ['PORT']],
    [{ ...good, PORT: '80a' }, ['PORT']],
    [{ ...good, PORT: '0' }, []],
    [{ ...good, PORT: '3000', METRICS_PORT: '9464' }, []],
    [{ ...good, PORT: '3000', METRICS_PORT: '3000', METRICS_HOST: '127.0.0.2' }, ['METRICS_PORT']],
    [{ ...good, PORT: '0', METRICS_PORT: '0' }, []],
    [{ ...good, METRICS_PORT: 'on' }, ['METRICS_PORT']],
    [{ ...good, METRICS_HOST: 'a b' }, ['METRICS_HOST']],
    [{ ...good, HOST: 'a b' }, ['HOST']],
    [{ ...good, HOST: '::1' }, []],
    [{ ...good, LOG_LEVEL: 'loud' }, ['LOG_LEVEL']],
    [{ ...good, QUEUE_PREFIX: 'a:b' }, ['QUEUE_PREFIX']],
    [{ ...good, QUEUE_PREFIX: 'staging' }, []],
    [{ ...good, REDIS_URL: 'redis+cluster://a', QUEUE_PREFIX: 're{k}ey' }, []],
    [{ ...good, REDIS_URL: 'redis+cluster://a', QUEUE_PREFIX: 'staging' }, ['QUEUE_PREFIX']],
    [{ ...good, REDIS_URL: 'rediss+cluster://a,b', QUEUE_PREFIX: '{}rekey' }, ['QUEUE_PREFIX']],
    [{ ...good, REDIS_URL: 'redis+cluster://a', QUEUE_PREFIX: '}rekey{' }, ['QUEUE_PREFIX']],
    [
      { ...good, RATE_LIMIT_PER_MINUTE: 'many', RATE_LIMIT_READS_PER_MINUTE: '-5' },
      ['RATE_LIMIT_PER_MINUTE', 'RATE_LIMIT_READS_PER_MINUTE'],
    ],
    [{ ...good, TRUST_PROXY: '10.0.0.0/8, ::1' }, []],
    [{ ...good, TRUST_PROXY: '2' }, []],
    [{ ...good, TRUST_PROXY: '10.0.0.0/33' }, ['TRUST_PROXY']],
    [{ ...good, TRUST_PROXY: 'my-proxy' }, ['TRUST_PROXY']],
    [{ ...good, JWT_SECRET: 'x'.repeat(31) }, ['JWT_SECRET']],
    [{ ...good, JWT_SECRET: 'x'.repeat(32) }, []],
    [{ ...good, JWT_SECRET: 'é'.repeat(16) }, []],
    [{ ...good, JWT_SECRET: `-----BEGIN PUBLIC KEY-----${'x'.repeat(32)}` }, ['JWT_SECRET']],
    [{ ...good, OIDC_ISSUER: 'https://id.example.com' }, ['JWT_SECRET']],
    [{ ...good, JWT_SECRET: undefined }, ['JWT_SECRET']],
    [{ ...oidc, OIDC_ISSUER: 'id.example.com' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_ISSUER: 'http://id.example.com' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_ISSUER: 'http://127.0.0.1.example.com' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_ISSUER: 'http://{realm}.localhost' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_ISSUER: 'http://localhost:8080/realms/{realm}' }, []],
    [{ ...oidc, OIDC_ISSUER: 'http://127.1.2.3/{realm}' }, []],
    [{ ...oidc, OIDC_ISSUER: 'http://[::1]:8080/{realm}' }, []],
    [{ ...oidc, OIDC_ISSUER: 'https://user:in-the-value@id.example.com' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_ISSUER: 'https://id.example.com?in-the-value' }, ['OIDC_ISSUER']],
    [{ ...oidc, OIDC_AUDIENCE: undefined }, ['OIDC_AUDIENCE']],
    [{ ...oidc, OIDC_AUDIENCE: '' }, ['OIDC_AUDIENCE']],
    [{ ...oidc, OIDC_AUDIENCE: undefined, OIDC_AUDIENCE_WAIVED: 'false' }, ['OIDC_AUDIENCE']],
    [{ ...oidc, OIDC_AUDIENCE: undefined, OIDC_AUDIENCE_WAIVED: 'maybe' }, ['OIDC_AUDIENCE_WAIVED']],
    [{ ...oidc, OIDC_AUDIENCE: undefined, OIDC_AUDIENCE_WAIVED: 'true' }, []],
    [{ ...oidc, OIDC_AUDIENCE_WAIVED: 'true' }, ['OIDC_AUDIENCE_WAIVED']],
    [{ ...good, TOKEN_AGE_MAX: '3600' }, []],
    [{ ...good, TOKEN_AGE_MAX: '0' }, ['TOKEN_AGE_MAX']],
    [{ ...good, TOKEN_AGE_MAX: '1h' }, ['TOKEN_AGE_MAX']],
    [{ ...oidc, OIDC_DEFAULT_REALM: undefined }, ['OIDC_DEFAULT_REALM']],
    [{ ...oidc, OIDC_DEFAULT_REALM: undefined, OIDC_REALMS: 'a' }, []],
    [{ ...oidc, OIDC_DEFAULT_REALM: undefined, OIDC_REALMS: 'a,b' }, ['OIDC_DEFAULT_REALM']],
    [{ ...oidc, OIDC_REALMS: 'a,b/..' }, ['OIDC_REALMS']],
    [{ ...oidc, OIDC_ISSUER: 'https://id.example.com' }, []],
    [{ ...oidc, OIDC_ISSUER: 'https://id.example.com', OIDC_REALMS: 'main,other' }, ['OIDC_REALMS']],
    [{ ...good, TENANT_CLAIM: 'a..b' }, ['TENANT_CLAIM']],
    [{ ...good, ROLES_CLAIM: 'app.*.roles,groups' }, []],
  ];
  for (const [env, problems] of rows) assert.deepEqual(problemsOf(env), problems, JSON.stringify(env));
});

test('the issuer template holds the realm; each admitted realm has its issuer', () => {
  const { auth } = readApiConfig({
    ...oidc,
    OIDC_REALMS: 'b, c',
    OIDC_AUDIENCE: 'rekey',
    OIDC_CLIENT_ID: 'rekey.web',
  }).api;
  assert.equal(auth.kind, 'oidc');
  assert.ok(auth.kind === 'oidc');
  assert.deepEqual(
    [...auth.issuers],
    ['main', 'b', 'c'].map((realm) => [realm, `https://id.example.com/realms/${realm}`]),
  );
  assert.deepEqual(auth.claimPaths.roles, [
    ['roles'],
    ['realm_access', 'roles'],
    ['resource_access', 'rekey.web', 'roles'],
  ]);
  assert.deepEqual([auth.defaultRealm, auth.audience], ['main', 'rekey']);
});

test('the console is served where its address is known, and its sign-in needs all of its parts', () => {
  const consoleOf = (env: Record<string, string | undefined>) => readApiConfig(env).api.console;
  const here = { publicUrl: null, login: null };
  assert.deepEqual(consoleOf(good), here);
  assert.equal(consoleOf({ ...good, CONSOLE: 'off' }), null);
  assert.equal(
    consoleOf({ ...good, HOST: '0.0.0.0' }),
    null,
    'reached from elsewhere, under nobody knows which address',
  );
  const publicUrl = 'https://rekey.example.com';
  for (const PUBLIC_URL of [publicUrl, `${publicUrl}/`])
    assert.deepEqual(consoleOf({ ...good, HOST: '0.0.0.0', PUBLIC_URL }), { publicUrl, login: null });
  const client = { OIDC_CLIENT_ID: 'console', OIDC_CLIENT_SECRET: 'hidden' };
  assert.deepEqual(consoleOf({ ...oidc, ...client, PUBLIC_URL: publicUrl })?.login, {
    clientId: 'console',
    clientSecret: 'hidden',
  });
  assert.deepEqual(consoleOf({ ...oidc, ...client }), here);
  for (const PUBLIC_URL of [
    'http://rekey.example.com',
    `${publicUrl}/path`,
    `${publicUrl}?x`,
    'https://u:p@rekey.example.com',
    'x',
  ])
    assert.deepEqual(problemsOf({ ...good, PUBLIC_URL }), ['PUBLIC_URL'], PUBLIC_URL);
  assert.deepEqual(problemsOf({ ...good, CONSOLE: 'on', HOST: '0.0.0.0' }), ['PUBLIC_URL']);
  assert.deepEqual(problemsOf({ ...good, CONSOLE: 'perhaps' }), ['CONSOLE']);
  assert.deepEqual(problemsOf({ ...good, ...client }), ['OIDC_CLIENT_SECRET']);
  assert.deepEqual(problemsOf({ ...oidc, OIDC_CLIENT_SECRET: 'hidden' }), ['OIDC_CLIENT_SECRET']);
});

test('a secret that can be guessed, and a waived audience, are warned of, without the value', () => {
  const guessable = [
    'x'.repeat(32),
    '0'.repeat(64),
    'é'.repeat(16),
    'abc'.repeat(20),
    'Hunter2!'.repeat(5),
    'secret secret secret secret secret',
    '0123456789abcdef0123456789abcdef',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'your-256-bit-secret-your-256-bit-secret',
    'a-string-secret-at-least-256-bits-long',
    'changeme_changeme_changeme_changeme',
    'Change-Me-Please-Change-Me-Please',
    jwtSecret,
  ];
  for (const JWT_SECRET of guessable) {
    const { warnings } = readApiConfig({ ...good, JWT_SECRET });
    assert.deepEqual(
      warnings.map((warning) => warning.split(' ')[0]),
      ['JWT_SECRET'],
      JWT_SECRET,
    );
    assert.ok(!warnings.join().includes(JWT_SECRET));
  }
  for (const bytes of [32, 48, 64]) {
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      const JWT_SECRET = randomBytes(bytes).toString(encoding);
      assert.deepEqual(readApiConfig({ ...good, JWT_SECRET }).warnings, [], JWT_SECRET);
    }
  }
  assert.deepEqual(readApiConfig(oidc).warnings, []);
  const waived = readApiConfig({ ...oidc, OIDC_AUDIENCE: undefined, OIDC_AUDIENCE_WAIVED: 'true' });
  assert.equal(waived.warnings.length, 1);
  assert.match(waived.warnings[0] ?? '', /^OIDC_AUDIENCE /);
});

test('the process stops at once with status 1 and one line per problem on stderr', async () => {
  const main = fileURLToPath(new URL('../../apps/api/src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], { env: { JWT_SECRET: 'in-the-value', PORT: 'x' } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 1);
  assert.equal(out, '');
  const lines = err.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ').slice(0, 4).join(' ')),
    [
      'config: PORT is malformed:',
      'config: DATABASE_URL is missing:',
      'config: REDIS_URL is missing:',
      'config: JWT_SECRET is malformed:',
    ],
  );
  assert.doesNotMatch(err, /in-the-value/);
});
