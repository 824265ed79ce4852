import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { reserveSeals } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createVault } from '@rekey/vault';
import { Client } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { patient } from '../harness/patient.ts';
import { asRole, roles } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, database } = core;

// Roles belong to the server, not to the database.
const role = `rekey_test_app_${randomBytes(6).toString('hex')}`;
await store.query(`create role ${role}`);
await store.query('select rekey.grant_application($1)', [role]);
after(async () => {
  const admin = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await admin.connect();
  await admin.query(`drop role ${role}`); // its rights went with the database
  await admin.end();
});
const application = database.pool({ options: `-c role=${role}` });

test('a rewrap and the counting of seals go through while a writer holds the active DEK', async (t) => {
  const tenantId = await core.createTenant();
  const { rows } = await store.query('select id from rekey.deks where tenant_id = $1', [tenantId]);
  const { begin } = sessionsOn(database, t);
  const [writer, other] = [await begin(), await begin()];
  await insertSecret(writer, tenantId, 1);
  await other.query(`set local lock_timeout = '200ms'`);
  await other.query(
    `update rekey.dek_material set wrapped = wrapped || '\\x00', wrap_version = wrap_version + 1 where dek_id = $1`,
    [rows[0]?.id],
  );
  await reserveSeals(other, rows[0]?.id, 10);
});

test('the counting of seals goes through while a switch is under way', async (t) => {
  const tenantId = await core.createTenant();
  const { begin } = sessionsOn(database, t);
  const [switcher, writer] = [await begin(), await begin()];
  const { rows } = await switcher.query(
    `update rekey.deks set state = 'deactivated' where tenant_id = $1 returning id`,
    [tenantId],
  );
  await writer.query(`set local lock_timeout = '200ms'`);
  await reserveSeals(writer, rows[0]?.id, 10);
});

test("an application's role puts and gets through the vault, over a rotation, with the rights it is granted", async () => {
  const { tenantId, ids } = await core.tenantWith(2);
  const vault = core.anotherVault({ store: application, prefetch: true });
  const id = randomUUID();
  const put = (value: string): Promise<void> =>
    vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(value), columns: { name: 'n' } });
  await put('before');
  await core.startAndRotate(tenantId);
  assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), 'before');
  await put('after');
  assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), 'after');
  assert.ok(await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }));
});

test('an application makes a tenant and works with it, with the rights of its role alone', async () => {
  const url = asRole(database.url, 'application');
  const ofApplication = openStore({
    ...patient,
    url,
    max: 4,
    applicationName: 'an application',
    onError: () => {},
  });
  const vault = createVault({ store: ofApplication, kek: core.kek });
  const tenant = randomUUID();
  await vault.createTenant({ tenantId: tenant, name: 'of an application' });
  await vault.createTenant({ tenantId: tenant, name: 'once more' });
  const id = randomUUID();
  await vault.put({
    target: 'secrets',
    tenantId: tenant,
    id,
    value: Buffer.from('v'),
    columns: { name: 'n' },
  });
  assert.equal((await vault.get({ target: 'secrets', tenantId: tenant, id }))?.toString(), 'v');
  await vault.close();
  await ofApplication.end();
});

test("an application's role is told of a DEK that is stored ahead", async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const vault = core.anotherVault({ store: application, prefetch: true });
  await until(
    async () =>
      (
        await store.query(
          `select from pg_stat_activity where datname = current_database() and query = 'listen rekey_deks'`,
        )
      ).rowCount !== 0,
    { what: 'the vault listens' },
  );
  await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' });
  const before = core.kek.calls.unwrap;
  await readyToSwitch(core, tenantId);
  await until(() => core.kek.calls.unwrap === before + 1, { what: 'the new DEK is fetched ahead' });
});

const forbidden: Record<string, string> = {
  'change the state of a DEK': `update rekey.deks set state = 'deactivated'`,
  'lock a DEK': 'select from rekey.deks for share',
  'make a DEK': `insert into rekey.deks select gen_random_uuid(), id, 99, 'pre_active' from rekey.tenants`,
  'delete a DEK': 'delete from rekey.deks',
  'change wrapped material': `update rekey.dek_material set wrapped = wrapped, wrap_version = wrap_version + 1`,
  'delete wrapped material': 'delete from rekey.dek_material',
  'store material': `insert into rekey.dek_material select id, 'x', '\\x00' from rekey.deks`,
  'take back seals': 'delete from rekey.dek_seals',
  'change counted seals': 'update rekey.dek_seals set seals = 1',
  'make a tenant': `insert into rekey.tenants (id, name) values (gen_random_uuid(), 'x')`,
  'delete a tenant': 'delete from rekey.tenants',
  'read rotations': 'select from rekey.rotations',
  'end a rotation': `update rekey.rotations set status = 'cancelled'`,
  'read idempotent answers': 'select from rekey.idempotency_keys',
  'read what snapshots are sealed with': 'select rekey.snapshot_key()',
  'read the installation': 'select from rekey.installation',
  'set a record aside': `insert into rekey.rotation_failures select gen_random_uuid(), 'secrets', 'x', 'X'`,
  'change a target': `update rekey.targets set key_column = 'name'`,
  'register a target': `select rekey.register_target('mine', 'secrets', 'public.secrets')`,
  'drop the fence': 'drop trigger rekey_fence_insert_secrets on secrets',
  'disable the fence': 'alter table secrets disable trigger all',
  'bypass the fence': `set session_replication_role = 'replica'`,
  'empty a table past the fence': 'truncate secrets',
};
for (const [what, statement] of Object.entries(forbidden)) {
  test(`an application's role cannot ${what}`, async () => {
    assert.equal(await sqlState(application.query(statement)), '42501');
  });
}

test('the fence stands for an application too, and for a search path of its own', async () => {
  const { tenantId } = await core.tenantWith(1);
  await core.startAndRotate(tenantId);
  const client = await application.connect();
  // What an attacker would put in front of the real tables: everything is active there.
  await client.query('create temp table deks (tenant_id uuid, key_number int, state text)');
  await client.query('set search_path = pg_temp, public, rekey');
  assert.equal(await sqlState(insertSecret(client, tenantId, 1)), 'RK001');
  await client.query('discard all');
  client.release(true);
});

test('every function that runs with the rights of its owner has a fixed search path', async () => {
  const { rows } = await store.query<{ name: string; config: string[] | null; definer: boolean }>(
    `select proname as name, proconfig as config, prosecdef as definer from pg_proc
     where pronamespace = 'rekey'::regnamespace`,
  );
  const definers = rows.filter(({ definer }) => definer);
  assert.ok(definers.length >= 5);
  for (const { name, config } of definers) {
    assert.ok(config?.includes('search_path=pg_catalog, pg_temp'), name);
  }
});

test('what runs with the rights of its caller calls and reads only what every caller of it may', async () => {
  const prefix = testEnvironment('TEST_ROLES_PREFIX');
  const { rows } = await store.query<{ role: string; caller: string; wants: string }>(
    `with made as (
       select p.oid, p.proname, p.prosecdef, regexp_replace(pg_get_functiondef(p.oid), '--[^' || chr(10) || ']*', '', 'g') as text
       from pg_proc p where p.pronamespace = 'rekey'::regnamespace and p.prokind = 'f')
     select r.role, m.proname as caller, f.proname as wants
     from unnest($1::text[]) r(role)
     join made m on not m.prosecdef and has_function_privilege(r.role, m.oid, 'execute')
     join pg_proc f on f.pronamespace = 'rekey'::regnamespace and f.oid <> m.oid
       and m.text ~ ('rekey[.]' || f.proname || '[[:space:]]*[(]') and not has_function_privilege(r.role, f.oid, 'execute')
     union all
     select r.role, m.proname, c.relname
     from unnest($1::text[]) r(role)
     join made m on not m.prosecdef and has_function_privilege(r.role, m.oid, 'execute')
     join pg_class c on c.relnamespace = 'rekey'::regnamespace and c.relkind in ('r', 'v')
       and m.text ~ ('(from|join) rekey[.]' || c.relname || '[^a-z_]') and not has_any_column_privilege(r.role, c.oid, 'select')
     order by 1, 2, 3`,
    [roles.map((role) => `${prefix}_${role}`)],
  );
  assert.deepEqual(rows, []);
});

test('an operator has the chains of events recomputed', async () => {
  const operator = database.pool({ connectionString: asRole(database.url, 'operator') });
  assert.ok((await store.query('select from rekey.events')).rowCount);
  assert.deepEqual((await operator.query('select * from rekey.verify_events()')).rows, []);
});

test('no function but one that may pass over its work takes turns by what anybody may hold who may connect', async () => {
  const { rows } = await store.query(
    `select proname from pg_proc where pronamespace = 'rekey'::regnamespace and prosrc ~ 'pg_(try_)?advisory'`,
  );
  // Of what applications reported of their latencies nothing rests on: it passes over what it would have to wait for.
  assert.deepEqual(rows, [{ proname: 'keep_latencies' }]);
});

test('the rights of every role in the catalog are those of the committed matrix', async () => {
  const { rows } = await store.query<{ role: string; kind: string; name: string; rights: string }>(
    `select role, kind, name, string_agg(privilege, ' ' order by privilege) as rights from (
       select r.role, 'table' as kind, c.oid::regclass::text as name, p.privilege
       from unnest($1::text[]) r(role), pg_class c,
         unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p(privilege)
       where c.relkind in ('r', 'v') and c.relnamespace in ('rekey'::regnamespace, 'public'::regnamespace)
         and has_table_privilege($2 || r.role, c.oid, p.privilege)
       union all
       select r.role, 'column', c.oid::regclass::text || '.' || a.attname, p.privilege
       from unnest($1::text[]) r(role), pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0,
         unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p(privilege)
       where c.relkind = 'r' and c.relnamespace in ('rekey'::regnamespace, 'public'::regnamespace)
         and has_column_privilege($2 || r.role, c.oid, a.attnum, p.privilege)
         and not has_table_privilege($2 || r.role, c.oid, p.privilege)
       union all
       select r.role, 'function', f.oid::regprocedure::text, 'EXECUTE'
       from unnest($1::text[]) r(role), pg_proc f
       where f.pronamespace = 'rekey'::regnamespace and has_function_privilege($2 || r.role, f.oid, 'EXECUTE')
     ) found group by 1, 2, 3 order by 1, 2, 3`,
    [roles, `${testEnvironment('TEST_ROLES_PREFIX')}_`],
  );
  const matrix: Record<string, Record<string, string>> = {};
  for (const { role, kind, name, rights } of rows) {
    const ofRole = matrix[role] ?? {};
    ofRole[`${kind} ${name}`] = rights;
    matrix[role] = ofRole;
  }
  const file = new URL('rights.json', import.meta.url);
  if (process.env.UPDATE_RIGHTS !== undefined) await writeFile(file, `${JSON.stringify(matrix, null, 2)}\n`);
  const committed: unknown = JSON.parse(await readFile(file, 'utf8'));
  assert.deepEqual(matrix, committed);
});

test('the public may do nothing in the schema', async () => {
  const { rows } = await store.query(
    `select f.oid::regprocedure::text as name from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
     where f.pronamespace = 'rekey'::regnamespace and a.grantee = 0
     union all
     select c.oid::regclass::text from pg_class c, aclexplode(c.relacl) a
     where c.relnamespace = 'rekey'::regnamespace and a.grantee = 0`,
  );
  assert.deepEqual(rows, []);
});
