import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, readEvents } from '@rekey/control';
import { Pool } from 'pg';
import { asRole, createRoles, dropRoles } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;
const operator = new Pool({ connectionString: asRole(core.database.url, 'operator'), max: 1 });
operator.on('error', () => {}); // the database goes first
test.after(() => operator.end());

const ada = { realm: 'staff', id: 'ada', name: 'Ada Bär', email: 'ada@example.com' };
const bob = { realm: 'staff', id: 'bob', name: 'Bob Beispiel', email: 'bob@example.com' };
/** The same id, but somebody else. */
const otherAda = { ...ada, realm: 'guests', name: 'Ada Gast', email: 'gast@example.com' };

/** Tables of the schema in which a text stands. */
async function tablesWith(text: string): Promise<string[]> {
  const { rows: tables } = await store.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relkind = 'r' and c.relnamespace = 'rekey'::regnamespace order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await store.query(`select from ${name} t where t::text like '%' || $1 || '%' limit 1`, [
      text,
    ]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

test('an erased person is nowhere but by id, the chains stay whole, and nobody else is forgotten', async () => {
  const { tenantId } = await core.tenantWith(2);
  const started = await core.tryToStart(tenantId, { initiatedBy: ada });
  const finished = started.kind === 'started' ? started.view.id : '';
  await core.finish(finished);
  const others = [bob, otherAda, ada];
  for (const initiatedBy of others) {
    const next = await core.tryToStart(tenantId, { initiatedBy });
    const id = next.kind === 'started' ? next.view.id : '';
    await cancelRotation(store, id, { actor: ada });
  }
  const running = await core.tryToStart(tenantId, { initiatedBy: ada });
  assert.equal(running.kind, 'started');
  await store.query(
    `insert into rekey.rewraps (id, kek_name, kek_id, status, completed_at, calls_per_second_max, forced, initiated_by, deks_at_start, deks)
     values ($1, 'next', 'local:x', 'cancelled', now(), 1, false, $2, 0, 0)`,
    [randomUUID(), ada],
  );
  await store.query(
    `select rekey.open_console_session(sha256('x'), 'staff', 'ada', $1, now(), now() + interval '1 hour')`,
    [ada],
  );
  for (const text of ['Ada Bär', 'ada@example.com'])
    for (const table of ['rekey.rotations', 'rekey.console_sessions'])
      assert.ok((await tablesWith(text)).includes(table), `${text} in ${table}`);
  const before = (await store.query('select chain, sequence, hash from rekey.events order by 1, 2')).rows;

  const { rows } = await operator.query('select rekey.erase_actor($1, $2)::int as changed', ['staff', 'ada']);
  assert.ok(rows[0].changed >= 5, `${rows[0].changed}`);

  assert.deepEqual(await tablesWith('Ada Bär'), []);
  assert.deepEqual(await tablesWith('ada@example.com'), []);
  for (const { name } of [bob, otherAda])
    assert.deepEqual(await tablesWith(name), ['rekey.actor_names', 'rekey.rotations'], name);
  const view = await store.query('select initiated_by from rekey.rotations where id = $1', [finished]);
  assert.deepEqual(view.rows[0].initiated_by, { ...ada, name: null, email: null });
  const after = (await store.query('select chain, sequence, hash from rekey.events order by 1, 2')).rows;
  assert.equal(after.length, before.length + 1);
  for (const event of before)
    assert.ok(
      after.some(
        ({ chain, sequence, hash }) =>
          chain === event.chain && sequence === event.sequence && hash.equals(event.hash),
      ),
    );
  assert.deepEqual((await store.query('select * from rekey.verify_events()')).rows, []);

  let exported = '';
  for await (const page of readEvents(core.store, {})) exported += JSON.stringify(page);
  assert.doesNotMatch(exported, /Bär|Beispiel|Gast|example[.]com/);
  const erased = JSON.parse(`[${exported.split('][').join('],[')}]`)
    .flat()
    .find((told: { event: { kind: string } }) => told.event.kind === 'actor.erased');
  assert.equal(erased.event.actor.id, new URL(asRole(core.database.url, 'operator')).username);
  assert.deepEqual(erased.event.payload, { realm: 'staff', id: 'ada', rows: rows[0].changed });

  // Erased is not changed: nothing else of what has ended moves, and no other name takes the place.
  for (const change of [
    `initiated_by = initiated_by || '{"name": "Eve"}'`,
    `initiated_by = initiated_by || '{"id": "eve"}'`,
    `initiated_by = rekey.without_name(initiated_by), failure_reason = 'X'`,
  ])
    assert.equal(
      await sqlState(store.query(`update rekey.rotations set ${change} where id = $1`, [finished])),
      'RK005',
      change,
    );
  // The one that runs goes on to its end.
  await core.finish(running.kind === 'started' ? running.view.id : '');
});

test('which role may do what is recorded when it changes, by whom, and once', async (t) => {
  const prefix = `t${randomUUID().slice(0, 8)}`;
  const admin = core.database.url;
  t.after(() => dropRoles(admin, prefix));
  const known = async (): Promise<unknown[]> =>
    (
      await store.query(
        `select kind, payload, actor ->> 'id' as who from rekey.events where kind like 'role.%' and payload ->> 'role' like $1
         order by sequence`,
        [`${prefix}%`],
      )
    ).rows;
  await createRoles(admin, prefix);
  const { rows } = await store.query('select session_user as me');
  const who = rows[0].me;
  const granted = ['api', 'worker', 'application', 'operator'].map((part) => ({
    kind: 'role.granted',
    payload: { part, role: `${prefix}_${part}` },
    who,
  }));
  assert.deepEqual(await known(), granted);
  await store.query('select rekey.grant_worker($1), rekey.renew_rights()', [`${prefix}_worker`]);
  for (const { payload } of granted) await store.query('select rekey.revoke_rights($1)', [payload.role]);
  assert.deepEqual(await known(), [
    ...granted,
    ...granted.map((event) => ({ ...event, kind: 'role.revoked' })),
  ]);
});
