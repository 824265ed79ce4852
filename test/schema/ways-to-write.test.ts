import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { sealedLike } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store } = core;

/** What an application has beside a registered table, through which a write may come. */
await store.query(`
  alter table secrets alter key_number drop not null, alter ciphertext drop not null;
  select rekey.repair_target('secrets');
  create view seen as select * from secrets;
  create view renamed as select id, tenant_id, name, key_number as k, ciphertext as c from secrets;
  create function put_renamed() returns trigger language plpgsql as $$ begin
    insert into public.secrets (id, tenant_id, name, key_number, ciphertext) values (new.id, new.tenant_id, 'x', new.k, new.c);
    return new; end $$;
  create trigger put_renamed instead of insert on renamed for each row execute function put_renamed();
  create table staging (id uuid, tenant_id uuid, name text, key_number int, ciphertext bytea);
  create table inbox (like staging);
  create rule to_secrets as on insert to inbox do instead
    insert into secrets (id, tenant_id, name, key_number, ciphertext)
    values (new.id, new.tenant_id, new.name, new.key_number, new.ciphertext);
  create procedure in_two_transactions(tenant uuid, k int, c bytea) language plpgsql as $$ begin
    perform rekey.hold_dek(tenant); commit;
    insert into public.secrets (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), tenant, 'x', k, c);
  end $$;
  create table parents (id uuid primary key, k int not null, c bytea not null, unique (id, k, c));
  create table mirrored (id uuid primary key, tenant_id uuid not null, parent uuid, key_number int not null, ciphertext bytea not null,
    foreign key (parent, key_number, ciphertext) references parents (id, k, c) on update cascade);
  create index on mirrored (tenant_id, id);
  select rekey.register_target('mirrored', 'secrets', 'mirrored')`);

/** By what writes: statements, for the tenant T, its record I, under the key K with the bytes B. */
const ways: Record<string, string> = {
  'an updatable view': `update seen set key_number = K, ciphertext = B where id = I`,
  'a view with an INSTEAD OF trigger': `insert into renamed values (gen_random_uuid(), T, 'x', K, B)`,
  'INSERT … SELECT from a staging table': `insert into staging values (gen_random_uuid(), T, 'x', K, B);
    insert into secrets (id, tenant_id, name, key_number, ciphertext) select * from staging`,
  'a rewrite rule of another table': `insert into inbox values (gen_random_uuid(), T, 'x', K, B)`,
  'UPDATE … FROM': `update secrets s set key_number = w.k, ciphertext = w.c from (select I as id, K as k, B as c) w where s.id = w.id`,
  'a WITH whose result nobody reads': `with w as (update secrets set key_number = K, ciphertext = B where id = I returning 1) select 1`,
  'DELETE and INSERT in one WITH': `with gone as (delete from secrets where id = I returning tenant_id)
    insert into secrets (id, tenant_id, name, key_number, ciphertext) select gen_random_uuid(), tenant_id, 'x', K, B from gone`,
  'a cursor': `begin; declare c cursor for select * from secrets where id = I for update; move c;
    update secrets set key_number = K, ciphertext = B where current of c; commit`,
  'a DO block': `do $do$ begin update public.secrets set key_number = K, ciphertext = B where id = I; end $do$`,
  'a procedure that commits in its midst': `call in_two_transactions(T, K, B)`,
  'a row that was unsealed and is sealed again': `update secrets set key_number = null, ciphertext = null where id = I;
    update secrets set key_number = K, ciphertext = B where id = I`,
  'an ON UPDATE CASCADE from a table that is none of ours': `insert into parents values (I, 0, ''::bytea) on conflict do nothing;
    begin; set local session_replication_role = replica;
    update parents set k = 2, c = '\\x0100000002' where id = I;
    insert into mirrored values (I, T, I, 2, '\\x0100000002') on conflict (id) do update set key_number = 2, ciphertext = excluded.ciphertext;
    commit; update parents set k = K, c = B where id = I`,
  'an AFTER ROW trigger of the application': `create or replace function echo() returns trigger language plpgsql as $f$ begin
      insert into public.secrets (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), T, 'x', K, B);
      return null; end $f$;
    create or replace trigger echo after update of name on secrets for each row when (new.name = 'echo') execute function echo();
    update secrets set name = 'echo' where id = I`,
  'a deferred constraint trigger, at the commit': `create or replace function late() returns trigger language plpgsql as $f$ begin
      insert into public.secrets (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), T, 'x', K, B);
      return null; end $f$;
    drop trigger if exists late on secrets;
    create constraint trigger late after update on secrets deferrable initially deferred for each row
      when (new.name = 'late') execute function late();
    begin; update secrets set name = 'late' where id = I; commit`,
};

for (const [way, sql] of Object.entries(ways)) {
  test(`a write by ${way} passes under the active key, and under a retired one is refused`, async () => {
    const { tenantId, ids } = await core.tenantWith(1);
    assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
    const write = async (keyNumber: number): Promise<string> => {
      const client = await store.connect();
      const text = sql
        .replaceAll(/\bT\b/g, `'${tenantId}'::uuid`)
        .replaceAll(/\bI\b/g, `'${ids[0]}'::uuid`)
        .replaceAll(/\bK\b/g, String(keyNumber))
        .replaceAll(/\bB\b/g, `'\\x${sealedLike(keyNumber).toString('hex')}'::bytea`);
      try {
        return (await sqlState(client.query(text))) ?? 'passed';
      } finally {
        await client.query('rollback');
        client.release();
      }
    };
    assert.equal(await write(1), 'RK001');
    const older = (): Promise<{ rows: unknown[] }> =>
      store.query(
        `select id from secrets where tenant_id = $1 and key_number = 1
         union all select id from mirrored where tenant_id = $1 and key_number = 1`,
        [tenantId],
      );
    assert.deepEqual((await older()).rows, []);
    await store.query('truncate staging');
    assert.equal(await write(2), 'passed');
    assert.deepEqual((await older()).rows, []);
  });
}

test('no cascade and no trigger of the application moves a record to another tenant or id', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  const other = await core.createTenant();
  await store.query(`
    create function move() returns trigger language plpgsql as $$ begin
      if new.name = 'to another' then new.tenant_id := '${other}'; end if;
      if new.name = 'to another id' then new.id := gen_random_uuid(); end if; return new; end $$;
    create trigger zz_move before update on secrets for each row execute function move();
    create table vaults (tenant_id uuid, id uuid, primary key (tenant_id, id));
    create table items (id uuid primary key, tenant_id uuid not null, vault uuid, key_number int, ciphertext bytea,
      foreign key (tenant_id, vault) references vaults on update cascade on delete cascade);
    create index on items (tenant_id, id); select rekey.register_target('items', 'secrets', 'items')`);
  const vault = randomUUID();
  await store.query('insert into vaults values ($1, $2)', [tenantId, vault]);
  for (let n = 0; n < 5; n += 1)
    await store.query('insert into items values (gen_random_uuid(), $1, $2, 1, $3)', [
      tenantId,
      n < 3 ? vault : null,
      sealedLike(1),
    ]);
  for (const sql of [
    `update secrets set name = 'to another' where id = '${ids[0]}'`,
    `update secrets set name = 'to another id' where id = '${ids[0]}'`,
    `update vaults set tenant_id = '${other}'`,
  ])
    assert.equal(await sqlState(store.query(sql)), 'RK004', sql);
  await store.query('drop trigger zz_move on secrets');
  // What a cascade deletes is counted as what is deleted otherwise.
  await store.query('delete from vaults');
  const started = await core.tryToStart(tenantId);
  assert.ok(started.kind === 'started');
  assert.equal(started.view.itemsToRotate.secrets, 3 + 2);
});
