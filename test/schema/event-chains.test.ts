import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;
const problems = async (chain: string): Promise<unknown[]> =>
  (await store.query('select * from rekey.verify_events($1)', [chain])).rows;

/** As documented, in another language than the database's. */
function hashOf(event: Record<string, unknown>): string {
  const canonical = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
  };
  const hash = createHash('sha256');
  const fields = [
    'rekey event',
    `${event.version}`,
    event.chain,
    event.sequence,
    event.at_text,
    event.kind,
    canonical(event.actor),
    event.database_role,
    event.rotation_id ?? '',
    canonical(event.payload),
    event.previous,
  ];
  for (const field of fields) {
    const bytes = Buffer.isBuffer(field) ? field : Buffer.from(String(field));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}

test('the hash of an event can be computed from what is documented, whatever its strings hold', async () => {
  const odd = 'quote " slash \\ / tab \t control \u0001 \u007f newline \n é 漢 😀 \u2028';
  const client = await store.connect();
  const tenantId = randomUUID();
  try {
    await client.query('begin');
    const actor = JSON.stringify({ kind: 'operator', realm: odd, id: odd, name: odd });
    await client.query(`select set_config('rekey.actor', $1, true)`, [actor]);
    await client.query(`insert into rekey.tenants (id, name) values ($1, 'n')`, [tenantId]);
    await client.query('commit');
  } finally {
    client.release();
  }
  const { rows } = await store.query(
    `select *, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at_text from rekey.events`,
  );
  assert.ok(rows.some(({ actor }) => actor.id === odd));
  for (const { hash, ...event } of rows) assert.equal(hashOf(event), hash.toString('hex'));
});

const tamperings: Record<string, string> = {
  'a kind': `update rekey.events set kind = 'rotation.failed' where chain = $1 and sequence = 3`,
  'a time': `update rekey.events set at = at + interval '1 microsecond' where chain = $1 and sequence = 2`,
  'an actor': `update rekey.events set actor = actor || '{"id": "mallory"}' where chain = $1 and sequence = 2`,
  'a role': `update rekey.events set database_role = 'mallory' where chain = $1 and sequence = 2`,
  'a payload': `update rekey.events set payload = payload || '{"keyNumber": 7}' where chain = $1 and sequence = 2`,
  'a version': `update rekey.events set version = 2 where chain = $1 and sequence = 4`,
  'a hash': `update rekey.events set hash = sha256(hash) where chain = $1 and sequence = 4`,
  'a link': `update rekey.events set previous = sha256(previous) where chain = $1 and sequence = 4`,
  'the first one gone': `delete from rekey.events where chain = $1 and sequence = 1`,
  'one gone in the midst': `delete from rekey.events where chain = $1 and sequence = 3`,
  'the tail gone': `delete from rekey.events where chain = $1 and sequence >= 4`,
  'all gone': 'delete from rekey.events where chain = $1',
  'two in each other’s place': `update rekey.events e set sequence = -e.sequence + 5 where e.chain = $1 and e.sequence in (2, 3)`,
  'one of another chain': `insert into rekey.events select $1, 5, version, kind, at, actor, database_role, rotation_id, payload,
    previous, hash from rekey.events where chain <> $1 limit 1`,
};

for (const [what, sql] of Object.entries(tamperings)) {
  test(`changed by hand, past the guards: ${what}, is found`, async () => {
    const tenantId = await core.createTenant();
    await core.createTenant(); // somebody else
    assert.deepEqual(await problems(tenantId), []);
    const here = sql.replaceAll('$1', `'${tenantId}'`);
    if (!here.startsWith('insert')) assert.equal(await sqlState(store.query(here)), 'RK010');
    assert.equal(await sqlState(store.query('truncate rekey.events')), 'RK010');
    const client = await store.connect();
    try {
      await client.query(
        'begin; set local session_replication_role = replica; alter table rekey.events drop constraint events_pkey, drop constraint events_sequence_check',
      );
      await client.query(here);
      const found = await client.query('select * from rekey.verify_events($1)', [tenantId]);
      assert.notEqual(found.rowCount, 0);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
}

test('a right that is granted costs the next looks nothing: the new row of its function is noted, an altered one is not', async () => {
  const unnoted = async (): Promise<number> =>
    (
      await store.query(`select from rekey.function_digests f join pg_proc p on p.oid = f.function_oid
        where p.xmin <> f.row_made_by`)
    ).rowCount ?? 0;
  await store.query('grant execute on function rekey.drain_older(uuid, boolean) to current_user');
  await store.query('grant execute on function rekey.drain_older(uuid, boolean) to pg_monitor');
  assert.ok((await unnoted()) > 0);
  await store.query('select rekey.recognize_database()');
  assert.equal(await unnoted(), 0);
  await store.query('create role granted_and_dropped');
  for (const call of ['grant_worker', 'grant_api', 'revoke_rights']) {
    await store.query(`select rekey.${call}('granted_and_dropped')`);
    assert.equal(await unnoted(), 0, call);
  }
  await store.query(`select rekey.grant_worker('granted_and_dropped')`);
  await store.query(`select rekey.repair_target('secrets')`);
  assert.equal(await unnoted(), 0, 'rights are renewed');
  await store.query(`select rekey.revoke_rights('granted_and_dropped')`);
  await store.query('drop role granted_and_dropped');
  await store.query(`create or replace function rekey.refuse_altered(target_name text) returns boolean
    language sql as $$ select true $$`);
  await store.query('select rekey.recognize_database()');
  const { rows } = await store.query('select code from rekey.integrity_problems()');
  assert.deepEqual(rows, [{ code: 'FUNCTION' }]);
});

test('a trigger of events that is disabled is a doubt: nothing is completed unrecorded', async () => {
  await store.query('alter table rekey.deks disable trigger record_event_update');
  const { rows } = await store.query(`select problem from rekey.integrity_problems() where code = 'GUARD'`);
  assert.equal(rows.length, 1);
  assert.match(rows[0]?.problem, /record_event_update/);
});
