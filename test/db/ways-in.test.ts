import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { openClient, openStore, StoreError } from '@rekey/db';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { certificate, postgresWithDoors } from '../harness/postgres-with-doors.ts';

const [plain, tls, expired, selfSigned] = await Promise.all([
  postgresWithDoors(null),
  postgresWithDoors('server'),
  postgresWithDoors('expired'),
  postgresWithDoors('self-signed'),
]);
const ca = encodeURIComponent(certificate('ca'));
const folder = encodeURIComponent(plain.folder);

const secret = 'p@ss/w:rd#%?&+ ü';
{
  const client = await openClient({ url: plain.server.url });
  await client.query(`create role "we ird@x" login password 'p@ss/w:rd#%?&+ ü'`);
  await client.end();
}

function at(server: typeof plain, host: string, rest: string): string {
  return `postgres://postgres:${server.password}@${host}:${server.port}${rest}`;
}

interface Met {
  readonly user: string;
  readonly encrypted: boolean;
  readonly address: string | null;
}

async function meet(url: string): Promise<Met> {
  const store = openStore({ url, max: 1, onError: () => {} });
  try {
    const { rows } = await store.query<Met>(
      `select current_user as user, coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
         host(inet_server_addr()) as address`,
    );
    const [met] = rows;
    assert.ok(met);
    return met;
  } finally {
    await store.end();
  }
}

const closed = await freePort();

const works: ReadonlyArray<readonly [what: string, url: string, met: Partial<Met>]> = [
  ['IPv4', at(plain, '127.0.0.1', '/postgres'), { address: '127.0.0.1', encrypted: false }],
  ['IPv6', at(plain, '[::1]', '/postgres'), { address: '::1' }],
  [
    'a Unix socket by ?host=',
    `postgres://postgres:${plain.password}@/postgres?host=${folder}&port=${plain.port}`,
    { address: null },
  ],
  [
    'a Unix socket in the place of the host',
    at(plain, folder, '/postgres?sslmode=require'),
    { address: null },
  ],
  [
    'keywords',
    `host=127.0.0.1 port=${plain.port} user=postgres password=${plain.password} dbname=postgres`,
    {},
  ],
  ['no database: the one of the user’s name', at(plain, '127.0.0.1', ''), {}],
  [
    'special characters, encoded',
    `postgres://${encodeURIComponent('we ird@x')}:${encodeURIComponent(secret)}@127.0.0.1:${plain.port}/postgres`,
    { user: 'we ird@x' },
  ],
  [
    'a first host where nothing listens',
    `postgres://postgres:${plain.password}@127.0.0.1:${closed},127.0.0.1:${plain.port}/postgres`,
    {},
  ],
  ['prefer, a server without TLS', at(plain, '127.0.0.1', '/postgres?sslmode=prefer'), { encrypted: false }],
  ['nothing said, a server with TLS', at(tls, '127.0.0.1', '/postgres'), { encrypted: true }],
  ['disable, a server with TLS', at(tls, '127.0.0.1', '/postgres?sslmode=disable'), { encrypted: false }],
  ['require, nobody trusted', at(tls, '127.0.0.1', '/postgres?sslmode=require'), { encrypted: true }],
  ['require, self-signed', at(selfSigned, 'localhost', '/postgres?sslmode=require'), { encrypted: true }],
  ['require, expired', at(expired, 'localhost', '/postgres?sslmode=require'), { encrypted: true }],
  [
    'verify-ca, another name',
    at(tls, '127.0.0.1', `/postgres?sslmode=verify-ca&sslrootcert=${ca}`),
    { encrypted: true },
  ],
  [
    'verify-full',
    at(tls, 'localhost', `/postgres?sslmode=verify-full&sslrootcert=${ca}`),
    { encrypted: true },
  ],
  [
    'TLS at once',
    at(tls, 'localhost', `/postgres?sslmode=verify-full&sslrootcert=${ca}&sslnegotiation=direct`),
    { encrypted: true },
  ],
  [
    'channel binding',
    at(tls, 'localhost', '/postgres?sslmode=require&channel_binding=require'),
    { encrypted: true },
  ],
];

for (const [what, url, met] of works) {
  test(`leads there: ${what}`, async () => {
    const found = await meet(url);
    assert.deepEqual({ ...found, ...met }, found);
  });
}

const refused: ReadonlyArray<readonly [what: string, url: string, code: string, says: RegExp]> = [
  [
    'require, a server without TLS',
    at(plain, '127.0.0.1', '/postgres?sslmode=require'),
    'UNFIT',
    /has no TLS/,
  ],
  [
    'verify-full, nobody trusted',
    at(tls, 'localhost', '/postgres?sslmode=verify-full'),
    'UNFIT',
    /nobody who is trusted/,
  ],
  [
    'verify-full, self-signed',
    at(selfSigned, 'localhost', '/postgres?sslmode=verify-full'),
    'UNFIT',
    /self-signed/,
  ],
  [
    'verify-full, another name',
    at(tls, '127.0.0.1', `/postgres?sslmode=verify-full&sslrootcert=${ca}`),
    'UNFIT',
    /another host name/,
  ],
  [
    'verify-full, expired',
    at(expired, 'localhost', `/postgres?sslmode=verify-full&sslrootcert=${ca}`),
    'UNFIT',
    /expired/,
  ],
  [
    'verify-ca, expired',
    at(expired, 'localhost', `/postgres?sslmode=verify-ca&sslrootcert=${ca}`),
    'UNFIT',
    /expired/,
  ],
  [
    'channel binding without TLS',
    at(plain, '127.0.0.1', '/postgres?channel_binding=require'),
    'UNFIT',
    /channel binding/,
  ],
  [
    'no password',
    `postgres://postgres@127.0.0.1:${plain.port}/postgres`,
    'ACCESS_DENIED',
    /asks for a password/,
  ],
  [
    'a wrong password',
    `postgres://postgres:hidden@127.0.0.1:${plain.port}/postgres`,
    'ACCESS_DENIED',
    /password is wrong/,
  ],
  ['no such database', at(plain, '127.0.0.1', '/nowhere'), 'ACCESS_DENIED', /no such database/],
  ['nothing listens', at({ ...plain, port: closed }, '127.0.0.1', '/x'), 'UNAVAILABLE', /nothing listens/],
  ['no socket there', at({ ...plain, port: closed }, folder, '/x'), 'UNAVAILABLE', /no socket/],
  [
    'a name that does not resolve',
    at(plain, 'no-such-host.invalid', '/x'),
    'UNAVAILABLE',
    /does not resolve/,
  ],
];

for (const [what, url, code, says] of refused) {
  test(`is refused in one line without a password: ${what}`, async () => {
    await assert.rejects(meet(url), (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, new RegExp(`\n|hidden|${plain.password}|${tls.password}`));
      return true;
    });
  });
}

test('a server that has got TLS since, or lost it, is met as it is now', async (t) => {
  // One address, behind which first the one stands, then the other.
  let port = plain.port;
  const open = new Set<Socket>();
  const door = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    for (const socket of [inner, outer]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer).pipe(inner);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const address = door.address();
  assert.ok(address !== null && typeof address === 'object');
  for (const role of [plain, tls]) {
    const client = await openClient({ url: role.server.url });
    await client.query(`create role traveller login password 'same'`);
    await client.end();
  }
  const store = openStore({
    url: `postgres://traveller:same@127.0.0.1:${address.port}/postgres`,
    max: 1,
    onError: () => {},
  });
  t.after(async () => {
    await store.end();
    for (const socket of open) socket.destroy();
    door.close();
  });
  const encrypted = async (): Promise<boolean | undefined> => {
    const { rows } = await store.query<{ ssl: boolean }>(
      'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
    );
    return rows[0]?.ssl;
  };
  const moved = async (): Promise<boolean | undefined> => {
    for (const socket of open) socket.destroy();
    await encrypted().catch(() => {}); // the connection that was cut, perhaps
    return encrypted().catch(() => encrypted());
  };
  assert.equal(await encrypted(), false);
  port = tls.port;
  assert.equal(await moved(), true);
  port = plain.port;
  assert.equal(await moved(), false);
});
