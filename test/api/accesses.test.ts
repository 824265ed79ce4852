import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createAccesses } from '@rekey/api';
import { type CountedAccess, noteAccesses } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createLogger } from '@rekey/runtime';
import { patient } from '../harness/patient.ts';
import { startApi } from '../harness/process.ts';
import { testRedis } from '../harness/redis.ts';
import { asRole } from '../harness/roles.ts';
import { sqlState } from '../harness/session.ts';
import { bearer, emptyTenant, jwtSecret, liveApi, rotateCall, send } from './live-api.ts';

const api = await liveApi({ trustProxy: ['127.0.0.1'] });
const pool = api.database.pool();
const store = openStore({ ...patient, url: asRole(api.database.url, 'api'), onError: () => {} });
test.after(() => store.end());

interface Recorded {
  readonly kind: string;
  readonly who: string;
  readonly operation: string | null;
  readonly outcome: number | null;
  readonly count: number;
}

/** What was recorded in the chain of the installation since this was asked last. */
let seen = 0;
async function recorded(): Promise<Recorded[]> {
  const { rows } = await pool.query<Recorded & { sequence: number }>(
    `select e.sequence::int, e.kind, e.actor ->> 'id' as who, e.payload ->> 'operation' as operation,
       (e.payload ->> 'outcome')::int as outcome, (e.payload ->> 'count')::int as count
     from rekey.events e join rekey.installation i on i.id = e.chain where e.sequence > $1 order by e.sequence`,
    [seen],
  );
  seen = rows.at(-1)?.sequence ?? seen;
  return rows.map(({ sequence: _, ...event }) => event).filter(({ kind }) => kind.startsWith('access.'));
}

const total = (events: readonly Recorded[]): number => events.reduce((sum, { count }) => sum + count, 0);
const quiet = createLogger({ name: 'api', level: 'warn', write: () => {} });

test('who was refused and who read is recorded, by caller, operation and outcome, without a name', async () => {
  const tenantId = await emptyTenant(api.database);
  const stranger = { 'x-forwarded-for': '192.0.2.77' };
  const eve = bearer({ sub: 'eve', name: 'Eve Example', roles: ['nobody'] });
  const calls = [
    ...Array.from({ length: 3 }, () =>
      rotateCall(tenantId, { headers: { ...stranger, authorization: undefined } }),
    ),
    rotateCall(tenantId, { headers: { 'x-forwarded-for': '192.0.2.78', authorization: 'Bearer a.b.c' } }),
    ...Array.from({ length: 2 }, () => rotateCall(tenantId, { headers: eve })),
    ...Array.from({ length: 2 }, () => ({ path: '/api/v1/admin/audit', headers: bearer() })),
    { path: '/api/v1/admin/audit/export', headers: { ...bearer(), accept: 'application/jsonl' } },
    { path: `/api/v1/admin/keys/dek-${randomUUID()}`, headers: bearer() },
    { path: '/api/v1/admin/keys', headers: eve },
    // Nothing of these.
    { path: '/api/v1/admin/dek/rotations', headers: bearer() },
    { path: '/.well-known/jwks.json' },
    { path: '/nowhere' },
  ];
  const statuses = await Promise.all(calls.map(async (call) => (await api.send(call)).status));
  assert.deepEqual(statuses, [401, 401, 401, 401, 403, 403, 200, 200, 200, 404, 403, 200, 200, 404]);
  await api.accesses.close();
  const events = await recorded();
  const told = events.map(({ kind, who, operation, outcome, count }) =>
    [kind, who, operation, outcome, count].join(' '),
  );
  // A minute may have ended in the midst of the calls: then there are two events of one.
  const sums = new Map<string, number>();
  for (const line of told) {
    const [, key = '', count] = /^(.*) (\d+)$/.exec(line) ?? [];
    sums.set(key, (sums.get(key) ?? 0) + Number(count));
  }
  assert.deepEqual([...sums].map(([key, count]) => `${key} ${count}`).sort(), [
    'access.read ada exportAudit 200 1',
    'access.read ada getKey 404 1',
    'access.read ada listAudit 200 2',
    'access.refused eve listKeys 403 1',
    'access.refused eve rotateDek 403 2',
    'access.refused unknown rotateDek 401 4',
  ]);
  const { rows } = await pool.query(
    `select count(distinct e.actor ->> 'nameHash')::int as addresses, bool_or(e::text ~ 'Eve|Ada|192[.]0') as named
     from rekey.events e where e.kind = 'access.refused' and e.actor ->> 'id' = 'unknown'`,
  );
  assert.deepEqual(rows, [{ addresses: 2, named: false }], 'each address stands beside the chain');
  const { rows: names } = await pool.query(
    `select name from rekey.actor_names where id = 'unknown' order by 1`,
  );
  assert.deepEqual(
    names.map(({ name }) => name),
    ['192.0.2.77', '192.0.2.78'],
  );
});

test('a flood of thousands of addresses and subjects makes few events, hides no reader, and is counted', async () => {
  let now = Date.UTC(2026, 0, 1);
  const accesses = createAccesses(
    (counted) => noteAccesses(store, counted),
    quiet,
    () => now,
  );
  const flood = (minute: number): void => {
    for (let n = 0; n < 10_000; n += 1) {
      const operation = 'rotateDek';
      accesses.note(
        { caller: null, address: `10.${minute}.${n >> 8}.${n & 255}` },
        { operation, outcome: 401, isRecorded: false },
      );
      const caller = {
        realm: 'r',
        id: `s${minute}-${n}`,
        name: null,
        email: null,
        roles: [],
        tenantId: null,
        expiresAtMs: null,
      };
      accesses.note({ caller, address: '10.0.0.1' }, { operation, outcome: 403, isRecorded: false });
    }
    const reader = {
      realm: 'r',
      id: 'reader',
      name: 'R',
      email: null,
      roles: [],
      tenantId: null,
      expiresAtMs: null,
    };
    accesses.note(
      { caller: reader, address: '10.0.0.1' },
      { operation: 'listAudit', outcome: 200, isRecorded: true },
    );
  };
  flood(0);
  now += 60_000;
  flood(1);
  await accesses.close();
  const events = await recorded();
  assert.equal(total(events), 40_002);
  const of = (kind: string, outcome: number): Recorded[] =>
    events.filter((event) => event.kind === kind && event.outcome === outcome);
  assert.equal(of('access.refused', 401).length, 205);
  assert.equal(of('access.refused', 403).length, 520);
  assert.deepEqual(
    of('access.read', 200).map(({ who, count }) => [who, count]),
    [
      ['reader', 1],
      ['reader', 1],
    ],
  );
  assert.deepEqual(
    of('access.others', 401).map(({ count }) => count),
    [20_000 - 205],
  );
  assert.deepEqual(
    of('access.others', 403).map(({ count }) => count),
    [20_000 - 520],
  );
  assert.deepEqual((await pool.query('select * from rekey.verify_events()')).rows, []);
});

test('what cannot be written is held within bounds, keeps nobody waiting, and is written later', async () => {
  let now = Date.UTC(2026, 0, 1);
  let away = true;
  const written: CountedAccess[] = [];
  const said: string[] = [];
  const logger = createLogger({ name: 'api', level: 'warn', write: (line) => said.push(line) });
  const accesses = createAccesses(
    async (counted) => {
      if (away) throw new Error('away');
      written.push(...counted);
    },
    logger,
    () => now,
  );
  const minutes = 2_000;
  for (let minute = 0; minute < minutes; minute += 1) {
    for (let n = 0; n < 20; n += 1)
      accesses.note(
        { caller: null, address: `10.0.0.${n}` },
        { operation: 'getKey', outcome: 401, isRecorded: true },
      );
    now += 60_000;
  }
  await accesses.close();
  assert.equal(written.length, 0);
  assert.ok(said.some((line) => /refusals and reads are held/.test(line)));
  away = false;
  await accesses.close();
  assert.equal(
    written.reduce((sum, { count }) => sum + count, 0),
    20 * minutes,
  );
  assert.ok(written.length <= 2_001, `${written.length}`);
});

test('a process that is told to end writes what it holds, by a right to do that and no more', async () => {
  const redis = testRedis();
  const running = await startApi({
    DATABASE_URL: asRole(api.database.url, 'api'),
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    JWT_SECRET: jwtSecret,
  });
  const path = '/api/v1/admin/keys';
  assert.equal((await send(running.url, { path })).status, 401);
  assert.equal((await send(running.url, { path, headers: bearer({ sub: 'last' }) })).status, 200);
  await running.stop();
  assert.deepEqual(
    (await recorded()).map(({ kind, who, operation, count }) => [kind, who, operation, count]),
    [
      ['access.refused', 'unknown', 'listKeys', 1],
      ['access.read', 'last', 'listKeys', 1],
    ],
  );
  const many = JSON.stringify(
    Array.from({ length: 1_001 }, () => ({ outcome: 401, count: 1, since: 'now' })),
  );
  assert.equal(await sqlState(store.query('select rekey.note_accesses($1::jsonb)', [many])), '22023');
  const worker = openStore({ ...patient, url: asRole(api.database.url, 'worker'), onError: () => {} });
  assert.equal(await sqlState(worker.query(`select rekey.note_accesses('[]')`)), '42501');
  await worker.end();
});
