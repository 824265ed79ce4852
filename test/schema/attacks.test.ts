import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Client, escapeIdentifier, Pool } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { asRole, roles } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { type Attack, attacks } from './attacks.ts';
import { contentsOf } from './contents.ts';

const core = await rotationCore();
const { store, database } = core;
const nobody = `${testEnvironment('TEST_ROLES_PREFIX')}_stranger`;
const actors = [...roles, 'nobody'] as const;
type Actor = (typeof actors)[number];

const urlOf = (actor: Actor): string => {
  if (actor !== 'nobody') return asRole(database.url, actor);
  const url = new URL(asRole(database.url, 'api'));
  url.username = nobody;
  return url.href;
};

before(async () => {
  await store.query(`create role ${escapeIdentifier(nobody)} login password 'of-a-test'`);
  // Something to lose: a rotation that is completed, one that has switched, and one that has not.
  const { tenantId } = await core.tenantWith(2);
  await core.startAndRotate(tenantId);
  await readyToSwitch(core, tenantId);
});
after(async () => {
  const admin = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await admin.connect();
  await admin.query(`drop role ${escapeIdentifier(nobody)}`);
  await admin.end();
});

interface Cell {
  readonly object: string;
  readonly privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'EXECUTE';
  readonly statement: string;
}

/** Every object of ours with every privilege on it, and a statement that takes it. */
async function cells(): Promise<Cell[]> {
  const { rows: tables } = await store.query<{ name: string; kind: string; columns: string[] }>(
    `select c.oid::regclass::text as name, c.relkind as kind,
       array_agg(quote_ident(a.attname) order by a.attidentity = '' desc, a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'v') and (c.relnamespace = 'rekey'::regnamespace
       or c.oid in (select t.table_oid from rekey.targets t)) group by c.oid`,
  );
  const { rows: functions } = await store.query<{ name: string; call: string; is_trigger: boolean }>(
    `select p.oid::regprocedure::text as name, p.prorettype = 'trigger'::regtype as is_trigger,
       -- Not constants: of a strict function the planner would make null before anybody asks for the right.
       format('rekey.%I(%s) from (select %s offset 0) given', p.proname,
         (select string_agg('given.a' || n, ', ' order by n) from unnest(p.proargtypes) with ordinality a(t, n)),
         (select string_agg(format('null::%s as a%s', format_type(t, null), n), ', ' order by n)
          from unnest(p.proargtypes) with ordinality a(t, n))) as call
     from pg_proc p where p.pronamespace = 'rekey'::regnamespace`,
  );
  return [
    ...tables.flatMap(({ name, kind, columns }): Cell[] => [
      { object: name, privilege: 'SELECT', statement: `select * from ${name}` },
      ...(kind === 'v'
        ? []
        : ([
            { object: name, privilege: 'INSERT', statement: `insert into ${name} default values` },
            {
              object: name,
              privilege: 'UPDATE',
              statement: `update ${name} set ${columns[0]} = ${columns[0]}`,
            },
            { object: name, privilege: 'DELETE', statement: `delete from ${name}` },
            { object: name, privilege: 'TRUNCATE', statement: `truncate ${name} cascade` },
          ] as const)),
    ]),
    ...functions.map(
      ({ name, call, is_trigger }): Cell => ({
        object: name,
        privilege: 'EXECUTE',
        statement: is_trigger
          ? `create temp table mine (id uuid);
             create trigger mine after insert on mine for each statement execute function ${name}`
          : `select ${call}`,
      }),
    ),
  ];
}

function attackFor({ object, privilege }: Cell): string | undefined {
  const kind: keyof Attack =
    privilege === 'SELECT' ? 'reading' : privilege === 'EXECUTE' ? 'calling' : 'writing';
  return attacks.find(({ on }) => on.test(object))?.[kind];
}

const matrix: Record<string, Record<string, string>> = JSON.parse(
  await readFile(new URL('rights.json', import.meta.url), 'utf8'),
);

function isAllowed(actor: Actor, { object, privilege }: Cell): boolean {
  const kind = privilege === 'EXECUTE' ? 'function' : 'table';
  return (matrix[actor]?.[`${kind} ${object}`] ?? '').split(' ').includes(privilege);
}

for (const actor of actors) {
  test(`whatever the matrix does not give to ${actor} is refused, each as an attack with a name, and changes nothing`, async () => {
    const refused = (await cells()).filter((cell) => !isAllowed(actor, cell));
    assert.ok(refused.length > 80, `${refused.length} cells are refused`);
    const unnamed = refused.filter((cell) => attackFor(cell) === undefined);
    assert.deepEqual(unnamed, [], 'every refused cell is an attack that somebody thought of');
    const pool = new Pool({ connectionString: urlOf(actor), max: 1 });
    const contents = await contentsOf(store);
    try {
      const passed: string[] = [];
      for (const cell of refused) {
        const state = await sqlState(pool.query(`begin; ${cell.statement}; commit`));
        await pool.query('rollback');
        if (state !== '42501') {
          passed.push(`${cell.privilege} on ${cell.object} (${attackFor(cell)}) got ${state}`);
        }
      }
      assert.deepEqual(passed, []);
    } finally {
      await pool.end();
    }
    assert.deepEqual(await contentsOf(store), contents);
  });
}
