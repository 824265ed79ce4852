import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { databaseUrlProblem, openStore, StoreError } from '@rekey/db';
import fc from 'fast-check';
import { type DatabaseAddress, parseDatabaseUrl } from '../../packages/db/src/database-url.ts';
import { certificate } from '../harness/postgres-with-doors.ts';

const ca = encodeURIComponent(certificate('ca'));

interface Read {
  readonly at?: string;
  readonly user?: string;
  readonly password?: string | undefined;
  readonly database?: string;
  readonly options?: string;
}

const common = { at: 'h:5432', user: 'u', password: 'p', database: 'd' };

/** What each leads to, where it is not that. */
const understood: ReadonlyArray<readonly [form: string, read: Read]> = [
  ['postgres://u:p@h:5432/d', {}],
  ['postgresql://u:p@h/d', {}],
  ['POSTGRES://u:p@h/d', {}],
  ['  postgres://u:p@h/d \n', {}],
  ['postgres://u:p@h:/d', {}],
  ['postgres://u:p@h:6000/d', { at: 'h:6000' }],
  ['postgres://u:p@[::1]:6000/d', { at: '::1:6000' }],
  ['postgres://u:p@[fe80::1%25eth0]/d', { at: 'fe80::1%eth0:5432' }],
  ['postgres://u:p@h', { database: 'u' }],
  ['postgres://u:p@h/?sslmode=disable', { database: 'u' }],
  ['postgres://u:p@h/d%2Fe%20f', { database: 'd/e f' }],
  ['postgres://u@h/d', { password: undefined }],
  ['postgres://u:@h/d', { password: undefined }],
  ['postgres://h/d', { user: userInfo().username, password: undefined }],
  ['postgres://u:p%40ss%2Fw%3Ard%23%25%3F%26%2B%20%C3%BC@h/d', { password: 'p@ss/w:rd#%?&+ ü' }],
  ['postgres://u:a#b@h/d', { password: 'a#b' }],
  ['postgres://u:a:b@h/d', { password: 'a:b' }],
  ['postgres://u:p@/d?host=%2Fvar%2Frun', { at: '/var/run:5432' }],
  ['postgres://u:p@%2Fvar%2Frun:6000/d', { at: '/var/run:6000' }],
  ['postgres:///d?host=/var/run&user=u&password=p&port=6000', { at: '/var/run:6000' }],
  ['postgres://u:p@x/d?host=h&dbname=e', { database: 'e' }],
  ['postgres://u:p@h:1,i:2/d', { at: 'h:1 i:2' }],
  ['postgres://u:p@h,i/d?target_session_attrs=read-write', { at: 'h:5432 i:5432' }],
  ['postgres://u:p@h,[::1]:6000/d', { at: 'h:5432 ::1:6000' }],
  ['postgres://u:p@h/d?options=-c%20search_path%3Dx', { options: '-c search_path=x' }],
  ['host=h user=u password=p dbname=d', {}],
  [
    String.raw`host = h port=6000 user='u' password='it\'s \\ p' dbname=d`,
    { at: 'h:6000', password: String.raw`it's \ p` },
  ],
  ['host=h,i port=1,2 user=u password=p dbname=d', { at: 'h:1 i:2' }],
  [
    'postgres://u:p@h/d?connect_timeout=5&application_name=x&keepalives=1&client_encoding=UTF8&gssencmode=prefer',
    {},
  ],
];

function summary({ hosts, user, password, database, options }: DatabaseAddress): Read {
  const at = hosts.map(({ host, port }) => `${host}:${port}`).join(' ');
  return { at, user, password, database, ...(options === undefined ? {} : { options }) };
}

for (const [form, read] of understood) {
  test(`read as libpq reads it: ${JSON.stringify(form)}`, () => {
    assert.deepEqual(summary(parseDatabaseUrl(form)), { ...common, ...read });
  });
}

const refused: ReadonlyArray<readonly [form: string, says: RegExp]> = [
  ['', /neither/],
  ['mysql://u:hidden@h/d', /neither/],
  ['h/d', /neither/],
  ['postgres:u:hidden@h/d', /neither/],
  ['postgres:///d', /names no host/],
  ['postgres://u:hidden@/d', /names no host/],
  ['postgres://u:50%off-hidden@h/d', /%25/],
  ['postgres://u:hidden%FF@h/d', /UTF-8/],
  ['postgres://u:hid@den@h/d', /%40/],
  ['postgres://u:hid/den@h/d', /port.*%2F/],
  ['postgres://u:hidden@h:0/d', /port/],
  ['postgres://u:hidden@h:99999/d', /port/],
  ['postgres://u:hidden@h:x/d', /port/],
  ['postgres://u:hidden@[::1/d', /\[/],
  ['postgres://u:hidden@h,/d', /empty name/],
  ['postgres://u:hidden@h/d e', /%20/],
  ['postgres://u:hidden@h/d?host=a,b&port=1,2,3', /2 hosts and 3 ports/],
  ['postgres://u:hidden@h/d?schema=public&connection_limit=5', /"schema", which is not supported/],
  ['postgres://u:hidden@h/d?sslmode=allow', /sslmode/],
  ['postgres://u:hidden@h/d?sslmode=verify-ca', /sslrootcert/],
  [
    'postgres://u:hidden@h/d?sslmode=verify-full&sslrootcert=/nowhere/hidden.pem',
    /sslrootcert.*cannot be read/,
  ],
  ['postgres://u:hidden@h/d?sslmode=require&sslrootcert=system', /verify-full/],
  ['postgres://u:hidden@h/d?sslcert=/nowhere/hidden.pem', /sslcert/],
  ['postgres://u:hidden@h/d?sslnegotiation=direct', /sslmode=require/],
  ['postgres://u:hidden@h/d?target_session_attrs=read-only', /takes writes/],
  ['postgres://u:hidden@h/d?client_encoding=LATIN1', /UTF-8/],
  ['postgres://u:hidden@h/d?connect_timeout=soon', /connect_timeout/],
  ['postgres://u:hidden@h/d?options', /without a value/],
  ['host=h password=hid den', /name=value/],
  [`host=h password='hidden`, /name=value/],
  ['service=hidden', /"service"/],
];

for (const [form, says] of refused) {
  test(`refused in one line without its values: ${JSON.stringify(form)}`, () => {
    const problem = databaseUrlProblem(form);
    assert.match(problem ?? '', says);
    assert.doesNotMatch(problem ?? '', /hid|\n/);
    assert.throws(
      () => openStore({ url: form, onError: () => {} }),
      (error) => error instanceof StoreError && error.code === 'UNFIT' && !error.message.includes('hid'),
    );
  });
}

test('a file that is no certificate is refused by the name of its parameter', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'root.crt');
  await writeFile(file, 'hidden');
  const problem = databaseUrlProblem(
    `postgres://h/d?sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}`,
  );
  assert.match(problem ?? '', /sslrootcert.*PEM/);
});

const tls = (query: string) => parseDatabaseUrl(`postgres://h/d?${query}`).tls.attempts;

test('what each sslmode tries, in which order, and what it proves', () => {
  const shape = (query: string): unknown[] =>
    tls(query).map((way) =>
      way === false
        ? 'plain'
        : [way.rejectUnauthorized, way.ca !== undefined, way.checkServerIdentity === undefined],
    );
  const unproved = [false, false, true];
  assert.deepEqual(shape('sslmode=disable'), ['plain']);
  assert.deepEqual(shape('sslmode='), [unproved, 'plain']);
  assert.deepEqual(shape('sslmode=prefer'), [unproved, 'plain']);
  assert.deepEqual(shape('sslmode=require'), [unproved]);
  assert.deepEqual(shape('ssl=true'), [unproved]);
  assert.deepEqual(shape('sslmode=no-verify'), [unproved]);
  assert.deepEqual(shape(`sslmode=require&sslrootcert=${ca}`), [[true, true, false]]);
  assert.deepEqual(shape(`sslmode=verify-ca&sslrootcert=${ca}`), [[true, true, false]]);
  assert.deepEqual(shape(`sslmode=verify-full&sslrootcert=${ca}`), [[true, true, true]]);
  assert.deepEqual(shape('sslmode=verify-full'), [[true, false, true]]);
  assert.deepEqual(shape('sslmode=verify-full&sslrootcert=system'), [[true, false, true]]);
});

test('whatever a user, a password and a database are called, encoded they are read as they are', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter((s) => s.isWellFormed() && !s.includes('\0'));
  fc.assert(
    fc.property(text, text, text, (user, password, database) => {
      const encoded = [user, password, database].map(encodeURIComponent);
      const read = parseDatabaseUrl(`postgres://${encoded[0]}:${encoded[1]}@h/${encoded[2]}`);
      assert.deepEqual([read.user, read.password, read.database], [user, password, database]);
    }),
  );
});

test('whatever is given, it is read or refused, and no problem holds what was given', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (tail) => {
      const problem = databaseUrlProblem(`postgres://someone:s3cr3t${tail}`);
      assert.ok(problem === null || (!problem.includes('s3cr3t') && !problem.includes('\n')), problem ?? '');
    }),
    { numRuns: 1_000 },
  );
});
