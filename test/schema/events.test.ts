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

test('an operator by role is the actor of what its functions do, and of a cancel too', async (t) => {
  const { tenantId } = await core.tenantWith(1);
  await core.startAndRotate(tenantId);
  const rotationId = await core.start(tenantId);
  const url = asRole(core.database.url, 'operator');
  const pool = new Pool({ connectionString: url, max: 1 });
  t.after(() => pool.end());
  const count = (await eventsOf(tenantId)).length;
  await pool.query('select rekey.cancel_rotation($1)', [rotationId]);
  await pool.query(
    `select rekey.compromise_dek(id) from rekey.deks where tenant_id = $1 and key_number = 1`,
    [tenantId],
  );
  const done = (await eventsOf(tenantId, count)).map(({ kind, actor }) => [kind, actor.kind, actor.id]);
  const me = new URL(url).username;
  assert.deepEqual(done, [
    ['key.destroyed', 'operator', me],
    ['rotation.cancelled', 'operator', me],
    ['key.compromised', 'operator', me],
  ]);
});

test('who cancels through the API is the actor of the end, and nothing is recorded of what is taken back', async () => {
  const { tenantId } = await core.tenantWith(1);
  const rotationId = await core.start(tenantId);
  await cancelRotation(store, rotationId, { actor: { realm: 'staff', id: 'bob', name: null, email: null } });
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
      await cancelRotation(store, id, { actor: { realm: 'staff', id: 'carol', name: 'Carol', email: null } });
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
