-- The switch moves a pointer and waits for nobody; the DEK before it drains (docs/adr/0015). What writers lock is a row
-- of its own per DEK, and no advisory lock any more.
--
-- Nothing here keeps an application waiting: it makes new tables, replaces functions, and locks tables that only workers,
-- the API and createTenant write to.

-- Keeps switches and new DEKs out until all of this is committed. Writers' own locks on DEKs go together with it.
lock table rekey.deks in share mode;

-- Of the stored bytes of a DEK: made at random with them, unchanged by a rewrap, and telling nothing of them.
create table rekey.dek_identities (
  dek_id uuid primary key,
  material_id uuid not null default gen_random_uuid()
);
insert into rekey.dek_identities (dek_id) select m.dek_id from rekey.dek_material m;
-- Whoever may read the one may read the other, and is an application: what it could call as one of the public it is
-- granted by name from here on.
do $$
declare
  reader regrole;
begin
  for reader in
    select a.grantee::regrole from pg_class c, aclexplode(c.relacl) a
    where c.oid = 'rekey.dek_material'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
      and a.grantee <> 0
  loop
    execute format('grant select on rekey.dek_identities to %s', reader);
  end loop;
end
$$;

-- Made when a DEK becomes active, closed once no transaction can write under it any more.
create table rekey.dek_locks (
  dek_id uuid not null,
  slot integer not null check (slot >= 0),
  -- How many rows this DEK has: each session locks the one that its process number falls to.
  slots integer not null check (slots between 1 and 64),
  tenant_id uuid not null,
  key_number integer not null,
  material_id uuid not null,
  closed_at timestamptz,
  primary key (dek_id, slot)
) with (fillfactor = 50);
create index dek_locks_open on rekey.dek_locks (tenant_id) where closed_at is null;

-- The DEKs that drain. Once there is a horizon, only transactions that are older than it still pass under the DEK.
create table rekey.dek_drains (
  dek_id uuid primary key,
  tenant_id uuid not null,
  drain_before xid8,
  since timestamptz not null default clock_timestamp()
);
create index dek_drains_by_tenant on rekey.dek_drains (tenant_id);

insert into rekey.dek_locks (dek_id, slot, slots, tenant_id, key_number, material_id, closed_at)
  select d.id, s.slot, 8, d.tenant_id, d.key_number, i.material_id,
    case d.state when 'active' then null else coalesce(d.deactivated_at, now()) end
  from rekey.deks d join rekey.dek_identities i on i.dek_id = d.id cross join generate_series(0, 7) s(slot)
  where d.state in ('active', 'deactivated', 'compromised') and (d.state = 'active' or s.slot = 0);

create table rekey.settings (
  name text primary key,
  value bigint not null
);
-- The largest value of a record, in bytes.
insert into rekey.settings values ('value_bytes_max', 16 * 1024 * 1024);

-- How many records came and went, in all: what a count may have changed by since another one.
alter table rekey.record_counts add column churn bigint not null default 0;

alter table rekey.rotations
  add column drained_at timestamptz,
  add column waiting_detail jsonb;

-- Whether a range was swept to its end and only waits for the drain.
alter table rekey.rotation_ranges add column swept boolean not null default false;

drop function rekey.close_gate(uuid);

create function rekey.guard_dek_lock() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_dek_lock before update or delete on rekey.dek_locks
  for each row execute function rekey.guard_dek_lock();
create trigger guard_dek_lock_truncate before truncate on rekey.dek_locks
  for each statement execute function rekey.guard_dek_lock();

create function rekey.guard_proof() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_proof before update of proved_at on rekey.rotation_ranges
  for each row when (new.proved_at is not null and old.proved_at is null) execute function rekey.guard_proof();
