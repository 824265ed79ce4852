import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditResponse, conforms } from '@rekey/contract';
import { checkError } from './check-error.ts';
import { hashOf } from './documented-hash.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const path = '/api/v1/admin/audit';

interface Recorded {
  readonly event: Record<string, unknown> & { chain: string; sequence: number; kind: string; at: string };
  readonly hash: string;
}
const list = (query = '', headers: Record<string, string> = {}): Promise<Answer> =>
  api.send({ path: `${path}${query}`, headers: { ...bearer(), ...headers } });
const eventsOf = (answer: Answer): Recorded[] => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(AuditResponse, answer.json), answer.text);
  return answer.json.data.events;
};
const placesOf = (answer: Answer): string[] =>
  eventsOf(answer).map(({ event: { chain, sequence } }) => `${chain}/${sequence}`);
const of = (role: string, tenantId?: string) =>
  bearer({ roles: [role], ...(tenantId === undefined ? {} : { tenantId }) });

const [tenant, other] = [await emptyTenant(api.database), await emptyTenant(api.database)];
const odd = 'ada "\\\u{1f600}é\u2028';
const started = await api.send(rotateCall(tenant, { headers: bearer({ sub: odd }) }));
await api.send(rotateCall(other, { headers: bearer({ sub: 'bob' }) }));
const rotationId: string = started.json.data.rotationId;
const installation: string = (await pool.query('select id from rekey.installation')).rows[0].id;
await pool.query(`select rekey.register_signing_key(
  translate(encode(sha256(convert_to('{"crv":"Ed25519","kty":"OKP","x":"' || x || '"}', 'UTF8')), 'base64'), '+/=', '-_'), key)
  from (select decode(repeat('07', 32), 'hex') as key) k,
  lateral (select translate(encode(key, 'base64'), '+/=', '-_') as x) b`);

test('the hash of each event follows from what is answered, and leads to the one before it', async () => {
  const events = eventsOf(await list(`?tenantId=${tenant}`));
  assert.ok(events.some(({ event }) => (event.actor as { id: string }).id === odd));
  assert.deepEqual(
    events.map(({ event }) => event.sequence),
    events.map((_, n) => events.length - n),
  );
  for (const [n, { event, hash }] of events.entries()) {
    assert.equal(hashOf(event), hash);
    assert.equal(event.previous, events[n + 1]?.hash ?? '0'.repeat(64));
  }
});

test('events are listed, the latest first, and found by each filter', async () => {
  const all = eventsOf(await list('?limit=500'));
  const times = all.map(({ event }) => event.at);
  assert.deepEqual(times, [...times].sort().reverse());
  const { rows } = await pool.query('select count(*)::integer as events from rekey.events');
  assert.equal(all.length, rows[0].events);
  const found = async (query: string, wanted: (event: Recorded['event']) => boolean): Promise<void> => {
    const expected = all.filter(({ event }) => wanted(event));
    assert.ok(expected.length > 0 && expected.length < all.length, query);
    const answered = eventsOf(await list(`?limit=500&${query}`));
    const byPlace = (events: Recorded[]) => events.map(({ hash }) => hash).sort();
    assert.deepEqual(byPlace(answered), byPlace(expected), query);
  };
  await found(`tenantId=${tenant.toUpperCase()}`, ({ chain }) => chain === tenant);
  await found(`tenantId=${installation}`, ({ chain }) => chain === installation);
  await found('kind=rotation.requested', ({ kind }) => kind === 'rotation.requested');
  await found('actor=bob', ({ actor }) => (actor as { id: string }).id === 'bob');
  await found(`actor=${encodeURIComponent(odd)}`, ({ actor }) => (actor as { id: string }).id === odd);
  await found(`rotationId=${rotationId}`, (event) => event.rotationId === rotationId.slice(4));
  const middle = `${times[Math.floor(times.length / 2)]?.slice(0, 23)}Z`;
  await found(`recordedAfter=${middle}`, ({ at }) => at >= middle.replace('Z', '000Z'));
  await found(`recordedBefore=${middle}`, ({ at }) => at < middle.replace('Z', '000Z'));
  await found(
    `kind=rotation.requested&tenantId=${other}`,
    ({ kind, chain }) => kind === 'rotation.requested' && chain === other,
  );
  assert.deepEqual(eventsOf(await list('?kind=rotation.forged')), []);
});

test('no name and no address stands in it', async () => {
  const { text } = await list('?limit=500');
  for (const personal of ['Ada Example', 'ada@example.com']) assert.ok(!text.includes(personal));
});

test('pages join without a gap or a double, of one chain and of all, whatever is recorded between them', async () => {
  for (const filter of ['', `&tenantId=${tenant}`]) {
    const whole = placesOf(await list(`?limit=500${filter}`));
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; ; page += 1) {
      const answer = await list(`?limit=2${filter}${cursor}`);
      seen.push(...placesOf(answer));
      const { nextCursor } = answer.json.data;
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
      if (page === 1) await emptyTenant(api.database);
      if (page === 1) await pool.query(`select rekey.append_event($1, 'test.between', null, '{}')`, [tenant]);
    }
    assert.deepEqual(seen, whole, filter);
  }
});

test('who is bound to a tenant sees that tenant’s, and learns nothing of others or of the installation', async () => {
  for (const at of [path, `${path}/export`]) {
    const ask = (query: string, headers: Record<string, string>) =>
      api.send({ path: `${at}${query}`, headers });
    for (const role of ['security_admin', 'security_auditor']) {
      const own = await ask('', of(role, tenant));
      assert.equal(own.status, 200);
      assert.ok(own.text.includes(tenant) && !own.text.includes(other) && !own.text.includes(installation));
      assert.equal((await ask(`?tenantId=${tenant}`, of(role, tenant))).status, 200);
      for (const foreign of [other, installation, '00000000-0000-4000-8000-000000000000'])
        checkError(await ask(`?tenantId=${foreign}`, of(role, tenant)), 'INSUFFICIENT_PERMISSIONS', role);
      checkError(await ask('', of(role)), 'INSUFFICIENT_PERMISSIONS', `${role} of no tenant`);
    }
    checkError(await ask('', of('security_operator', tenant)), 'INSUFFICIENT_PERMISSIONS');
  }
});

test('what is no filter is refused by name', async () => {
  const both = [
    'tenantId=x',
    'kind=x',
    'kind=x.Y',
    'actor=',
    'actor=a%00b',
    'rotationId=x',
    'recordedAfter=today',
  ];
  const cursorOf = (value: unknown) => `cursor=${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
  const ofList = [
    'limit=0',
    'limit=501',
    'cursor=e30',
    cursorOf(['2026-01-01T00:00:00.000000Z', tenant]),
    cursorOf(['2026-99-01T00:00:00.000000Z', tenant, '1']),
    cursorOf(['2026-01-01T00:00:00.000000Z', 'x', '1']),
    cursorOf(['2026-01-01T00:00:00.000000Z', tenant, 1]),
  ];
  for (const [at, queries] of [
    [path, [...both, ...ofList]],
    [`${path}/export`, [...both, 'limit=1', 'cursor=x']],
  ] as const) {
    for (const query of [...queries, 'recordedBefore=2025-02-30T25:00:00Z', 'sort=asc']) {
      const answer = await api.send({ path: `${at}?${query}`, headers: bearer() });
      checkError(answer, 'INVALID_REQUEST', query);
      assert.equal(answer.json.error.issues[0].path, `query.${query.split('=')[0]}`, query);
    }
  }
  checkError(await list(`?tenantId=${tenant}`, { 'x-tenantid': other }), 'INVALID_REQUEST');
});

const exported = (query: string, accept?: string): Promise<Answer> =>
  api.send({
    path: `${path}/export${query}`,
    headers: { ...bearer(), ...(accept === undefined ? {} : { accept }) },
  });

test('an export holds what is listed, in the order of the chain, as JSON Lines and as CSV', async () => {
  for (let n = 0; n < 25; n += 1)
    await pool.query(
      `select rekey.append_event($1, 'test.many', null, jsonb_build_object('n', n, 'text', E'=1,"\\n')) from generate_series(1, 100) n`,
      [tenant],
    );
  const answer = await exported(`?tenantId=${tenant}`);
  assert.deepEqual(
    [answer.status, answer.headers['content-type']],
    [200, 'application/jsonl; charset=utf-8'],
  );
  assert.equal(answer.headers['cache-control'], 'no-store');
  const lines = answer.text.split('\n');
  assert.equal(lines.pop(), '');
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    format: 'rekey-audit/v1',
    chain: tenant,
    filtered: false,
    checkpoint: null,
    head: null,
  });
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ''), { end: true, events: lines.length - 2 });
  const records: Recorded[] = lines.slice(1, -1).map((line) => JSON.parse(line));
  assert.ok(records.length > 2_500);
  for (const [n, { event, hash }] of records.entries()) {
    assert.equal(event.sequence, n + 1);
    assert.equal(hashOf(event), hash);
    assert.equal(event.previous, records[n - 1]?.hash ?? '0'.repeat(64));
  }

  const csv = await exported(`?tenantId=${tenant}`, 'text/csv');
  assert.deepEqual([csv.status, csv.headers['content-type']], [200, 'text/csv; charset=utf-8']);
  const table = parseCsv(csv.text);
  const column = (name: string) => table[0]?.indexOf(name) ?? -1;
  assert.deepEqual(
    table.slice(1).map((row) => row[column('line')]),
    lines,
  );
  for (const [n, row] of table.slice(2, -1).entries()) {
    assert.equal(
      row[column('event')],
      lines[n + 1]?.slice('{"event":'.length, lines[n + 1]?.lastIndexOf(',"hash"')),
    );
    assert.equal(row[column('hash')], records[n]?.hash);
  }

  const filtered = await exported(`?tenantId=${tenant}&kind=test.many&recordedAfter=2000-01-01T00:00:00Z`);
  const [head = '', ...rest] = filtered.text.trimEnd().split('\n');
  assert.equal(JSON.parse(head).filtered, true);
  assert.deepEqual(
    rest.slice(0, -1),
    lines.filter((_, n) => records[n - 1]?.event.kind === 'test.many'),
  );
  const everything = await exported('');
  assert.equal(JSON.parse(everything.text.split('\n')[0] ?? '').chain, null);
  for (const chain of [tenant, other, installation]) assert.ok(everything.text.includes(chain));
});

test('a cell that somebody else chose is no formula', async () => {
  const chosen = ['=HYPERLINK("x")', '＝1＋1', '@x'];
  for (const sub of chosen)
    await api.send(rotateCall(await emptyTenant(api.database), { headers: bearer({ sub }) }));
  const table = parseCsv((await exported('?kind=rotation.requested', 'text/csv')).text);
  const cells = table.map((row) => row[table[0]?.indexOf('actorId') ?? -1]);
  for (const sub of chosen) assert.ok(cells.includes(`'${sub}`), sub);
});

test('other types are not to be had, and HEAD reads nothing', async () => {
  checkError(await exported('', 'application/xml'), 'NOT_ACCEPTABLE');
  const head = await api.send({ method: 'HEAD', path: `${path}/export`, headers: bearer() });
  assert.deepEqual([head.status, head.text], [200, '']);
});

/** RFC 4180, by hand: nothing of ours reads what it wrote. */
function parseCsv(text: string): string[][] {
  const table: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    table.push(row);
    row = [];
  }
  return table;
}
