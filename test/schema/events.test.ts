import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation } from '@rekey/control';
import { Pool } from 'pg';
import { asRole, roles } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;
const operator = (await store.query<{ me: string }>('select session_user as me')).rows[0]?.me;

interface Event {
  readonly sequence: number;
  readonly kind: string;
  readonly actor: { kind: string; realm: string | null; id: string; nameHash: string | null };
  readonly rotation_id: string | null;
  readonly payload: Record<string, unknown>;
}

/** The events of a chain after the first so many. */
async function eventsOf(chain: string, after = 0): Promise<Event[]> {
  const { rows } = await store.query<Event>(
    `select sequence::int, kind, actor, rotation_id, payload from rekey.events
     where chain = $1 and sequence > $2 order by sequence`,
    [chain, after],
  );
  return rows;
}

const problems = async (chain: string | null = null): Promise<unknown[]> =>
  (await store.query('select chain, sequence::int, problem from rekey.verify_events($1)', [chain])).rows;

const installation = async (): Promise<string> =>
  (await store.query<{ id: string }>('select id from rekey.installation')).rows[0]?.id ?? '';

test('a tenant, its first DEK and a rotation leave one event for each decision, in order', async () => {
  const { tenantId } = await core.tenantWith(3);
  const before = await eventsOf(tenantId);
  assert.deepEqual(
    before.map(({ kind }) => kind),
    ['tenant.created', 'key.pre_active', 'key.material_stored', 'key.active'],
  );
  const started = await core.tryToStart(tenantId, {
    initiatedBy: { realm: 'staff', id: 'ada', name: 'Ada Bär', email: 'ada@example.com' },
  });
  assert.equal(started.kind, 'started');
  const rotationId = started.kind === 'started' ? started.view.id : '';
  await core.finish(rotationId);
  const events = await eventsOf(tenantId, before.length);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    [
      'rotation.requested',
      'key.pre_active',
      'key.material_stored',
      'key.deactivated',
      'key.active',
      'rotation.switched',
      'rotation.drained',
      'rotation.completed',
    ],
  );
  const [requested, , stored] = events;
  const { nameHash, ...ada } = requested?.actor ?? { nameHash: null };
  assert.deepEqual(ada, { kind: 'user', realm: 'staff', id: 'ada' });
  const { rows } = await store.query(
    'select salt, name from rekey.actor_names where name_hash = decode($1, $2)',
    [nameHash, 'hex'],
  );
  assert.equal(rows[0]?.name, 'Ada Bär');
  const salted = Buffer.concat([
    Buffer.from(rows[0]?.salt.replaceAll('-', ''), 'hex'),
    Buffer.from('Ada Bär'),
  ]);
  assert.equal(nameHash, createHash('sha256').update(salted).digest('hex'));
  // What the core does here it does as who connects; a worker says who it is.
  assert.deepEqual(stored?.actor, { kind: 'operator', realm: null, id: operator, nameHash: null });
  assert.ok(
    events.filter(({ kind }) => !/deactivated/.test(kind)).every((event) => event.rotation_id === rotationId),
  );
  assert.doesNotMatch(JSON.stringify(events), /Ada|example\.com/);
  assert.deepEqual(await problems(tenantId), []);
});

test('what an operator types is recorded once, as of who connected, or of who was said to act', async () => {
  const { tenantId } = await core.tenantWith(1);
  const count = (await eventsOf(tenantId)).length;
  const rotationId = await core.start(tenantId);
  await store.query(`select rekey.close_rotation($1, 'cancelled', null, null, now(), null)`, [rotationId]);
  const cancelled = (await eventsOf(tenantId, count)).filter(({ kind }) => kind === 'rotation.cancelled');
  assert.equal(cancelled.length, 1);
  assert.deepEqual(cancelled[0]?.actor, { kind: 'operator', realm: null, id: operator, nameHash: null });

  const client = await store.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('rekey.actor', '{"kind": "operator", "id": "ops-7"}', true)`);
    await client.query(
      `update rekey.deks set state = 'compromised' where tenant_id = $1 and state = 'active'`,
      [tenantId],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
  const [compromised, ...more] = (await eventsOf(tenantId, count)).filter(
    ({ kind }) => kind === 'key.compromised',
  );
  assert.deepEqual(more, []);
  assert.equal(compromised?.actor.id, 'ops-7');
  assert.equal(compromised?.payload.from, 'active');

  const chain = await installation();
  const known = (await eventsOf(chain)).length;
  await store.query(`
    create table odds (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on odds (tenant_id, id);
    select rekey.register_target('odds', 'secrets', 'odds')`);
  await store.query(`select rekey.unregister_target('odds')`);
  assert.deepEqual(
    (await eventsOf(chain, known)).map(({ kind, payload, actor }) => [kind, payload.target, actor.id]),
    [
      ['target.registered', 'odds', operator],
      ['target.unregistered', 'odds', operator],
    ],
  );
  assert.deepEqual(await problems(), []);
});

test('who cancels through the API is the actor of the end, and nothing is recorded of what is taken back', async () => {
  const { tenantId } = await core.tenantWith(1);
  const rotationId = await core.start(tenantId);
  await cancelRotation(store, rotationId, { realm: 'staff', id: 'bob', name: null, email: null });
  const events = await eventsOf(tenantId);
  assert.deepEqual(events.at(-1)?.kind, 'rotation.cancelled');
  assert.deepEqual(events.at(-1)?.actor, { kind: 'user', realm: 'staff', id: 'bob', nameHash: null });
  const client = await store.connect();
  try {
    await client.query('begin');
    await client.query(
      `update rekey.deks set state = 'compromised' where tenant_id = $1 and state = 'active'`,
      [tenantId],
    );
    await client.query('rollback');
  } finally {
    client.release();
  }
  assert.deepEqual(await eventsOf(tenantId), events);
});

test('an actor that is none is refused with the transaction', async () => {
  const tenantId = randomUUID();
  for (const told of ['x', '{}', '{"kind": "user"}', '{"kind": "god", "id": "x"}', '[]', '"user"']) {
    const client = await store.connect();
    try {
      await client.query('begin');
      await client.query(`select set_config('rekey.actor', $1, true)`, [told]);
      await client.query(`insert into rekey.tenants (id, name) values ($1, 'n')`, [tenantId]);
      assert.equal(await sqlState(client.query('commit')), '22023', told);
    } finally {
      client.release();
    }
  }
  assert.deepEqual(await eventsOf(tenantId), []);
});

test('rotations of many tenants at once leave chains without a gap', async () => {
  const tenants = await Promise.all(Array.from({ length: 40 }, () => core.createTenant()));
  const calls = tenants.flatMap((tenantId) => Array.from({ length: 5 }, () => tenantId));
  const lane = async (): Promise<void> => {
    for (let tenantId = calls.pop(); tenantId !== undefined; tenantId = calls.pop()) {
      const started = await core.tryToStart(tenantId);
      const id =
        started.kind === 'started'
          ? started.view.id
          : started.kind === 'in_progress'
            ? started.rotationId
            : '';
      await cancelRotation(store, id, { realm: 'staff', id: 'carol', name: 'Carol', email: null });
    }
  };
  await Promise.all(Array.from({ length: 12 }, lane));
  assert.deepEqual(await problems(), []);
  const { rows } = await store.query<{ n: number }>(
    `select count(*)::int as n from rekey.events where chain = any ($1) and kind in ('rotation.requested', 'rotation.cancelled')`,
    [tenants],
  );
  const { rows: made } = await store.query<{ n: number }>(
    'select count(*)::int as n from rekey.rotations where tenant_id = any ($1)',
    [tenants],
  );
  assert.equal(rows[0]?.n, 2 * (made[0]?.n ?? 0));
});

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

test('no process may write, change or read past what it needs: events are made by triggers alone', async (t) => {
  for (const role of roles) {
    const pool = new Pool({ connectionString: asRole(core.database.url, role), max: 1 });
    t.after(() => pool.end());
    for (const sql of [
      `insert into rekey.events (chain) values (gen_random_uuid())`,
      'update rekey.events set kind = kind',
      'delete from rekey.events',
      'update rekey.event_chains set sequence = sequence + 1',
      'insert into rekey.event_chains (chain) values (gen_random_uuid())',
      `select rekey.append_event(null, 'a.b', null, '{}')`,
      'select * from rekey.actor_names',
    ]) {
      assert.equal(await sqlState(pool.query(sql)), '42501', `${role}: ${sql}`);
    }
  }
});
