-- Tenants, their data encryption keys (DEKs) and the gate that orders writers against a switch of keys.
-- The schema "rekey" is created by the migrator, which keeps its own table there.

create table rekey.tenants (
  id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);

-- One row per DEK. Every writer share-locks the row of the active one, so it holds identity and state and
-- nothing that anybody else updates: wrapped material lives in dek_material, counters elsewhere.
create table rekey.deks (
  id uuid primary key,
  tenant_id uuid not null references rekey.tenants,
  key_number integer not null check (key_number >= 1),
  state text not null check (state in ('pre_active', 'active', 'deactivated', 'compromised', 'destroyed')),
  created_at timestamptz not null default now(),
  activated_at timestamptz,
  deactivated_at timestamptz,
  destroyed_at timestamptz,
  unique (tenant_id, key_number)
);

create unique index deks_one_active_per_tenant on rekey.deks (tenant_id) where state = 'active';
create index deks_pre_active on rekey.deks (tenant_id) where state = 'pre_active';

-- The DEK's bytes, wrapped under a key encryption key (KEK). Only a rewrap (same DEK, new KEK) may change them.
create table rekey.dek_material (
  dek_id uuid primary key references rekey.deks,
  kek_uri text not null,
  wrapped bytea not null check (octet_length(wrapped) between 33 and 8192),
  wrap_version integer not null default 1 check (wrap_version >= 1),
  wrapped_at timestamptz not null default now()
);

-- Seals reserved per DEK, appended and never updated, so that writers do not meet on one counter row.
-- NIST SP 800-38D limits random 96-bit IVs to 2^32 seals under one key.
create table rekey.dek_seals (
  dek_id uuid not null references rekey.deks,
  seals bigint not null check (seals > 0),
  reserved_at timestamptz not null default now()
);
create index dek_seals_by_dek on rekey.dek_seals (dek_id);

-- The gate: an advisory lock per tenant, shared by writers, exclusive for the switch. Row locks alone are not
-- fair: new share-lockers overtake a waiting UPDATE, and under steady writes the switch would never come.
create function rekey.enter_gate(tenant uuid) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select pg_advisory_xact_lock_shared(1380273497, hashtext(tenant::text)) $$;

create function rekey.close_gate(tenant uuid) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select pg_advisory_xact_lock(1380273497, hashtext(tenant::text)) $$;

-- Whoever closes the gate keeps every writer of the tenant waiting.
revoke execute on function rekey.close_gate(uuid) from public;

-- The DEK to seal under, held until the caller's transaction ends: whoever calls this before it writes cannot
-- be refused by the fence. No row: the tenant has no active DEK. SECURITY DEFINER because FOR SHARE needs an
-- UPDATE right on the row, which applications do not have.
create function rekey.hold_active_dek(tenant uuid) returns table (dek_id uuid, key_number integer)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.enter_gate(tenant);
  -- A statement of its own: in READ COMMITTED it sees what was committed while the gate was closed.
  return query
    select d.id, d.key_number from rekey.deks d where d.tenant_id = tenant and d.state = 'active' for share;
end
$$;

-- Key states only move forward (NIST SP 800-57 part 1, section 7), identities never.
create function rekey.guard_dek() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  target record;
  referenced boolean;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'pre_active' then
      raise exception 'A DEK begins as pre_active' using errcode = 'RK002';
    end if;
    return new;
  end if;
  if tg_op in ('DELETE', 'TRUNCATE') then
    raise exception 'The record of a DEK is never deleted' using errcode = 'RK002';
  end if;
  if (new.id, new.tenant_id, new.key_number) is distinct from (old.id, old.tenant_id, old.key_number) then
    raise exception 'The identity of a DEK never changes' using errcode = 'RK002';
  end if;
  if new.state = old.state then
    return new;
  end if;
  if (old.state, new.state) not in (
    ('pre_active', 'active'), ('pre_active', 'destroyed'),
    ('active', 'deactivated'), ('active', 'compromised'),
    ('deactivated', 'compromised'), ('deactivated', 'destroyed'),
    ('compromised', 'destroyed')
  ) then
    raise exception 'A DEK cannot go from % to %', old.state, new.state using errcode = 'RK002';
  end if;
  if new.state = 'active' and not exists (select from rekey.dek_material m where m.dek_id = new.id) then
    raise exception 'A DEK without stored material cannot become active' using errcode = 'RK002';
  end if;
  if new.state = 'destroyed' then
    for target in select * from rekey.targets where retired_at is null loop
      execute format('select exists (select from %s where %I = $1 and %I = $2)',
        target.table_name, target.tenant_column, target.key_column)
        into referenced using old.tenant_id, old.key_number;
      if referenced then
        raise exception 'DEK % still protects records of %', old.id, target.name using errcode = 'RK003';
      end if;
    end loop;
  end if;
  return new;
end
$$;

create trigger guard_dek before insert or update or delete on rekey.deks
  for each row execute function rekey.guard_dek();
create trigger guard_dek_truncate before truncate on rekey.deks
  for each statement execute function rekey.guard_dek();

create function rekey.guard_dek_material() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    -- The share lock keeps a cancelled rotation from leaving material behind a DEK that is being destroyed.
    perform from rekey.deks d where d.id = new.dek_id and d.state = 'pre_active' for share;
    if not found then
      raise exception 'Material is stored only for a pre_active DEK' using errcode = 'RK002';
    end if;
    return new;
  end if;
  if tg_op = 'UPDATE' then
    if new.dek_id <> old.dek_id or new.wrap_version <> old.wrap_version + 1 then
      raise exception 'Wrapped material changes only by a rewrap' using errcode = 'RK002';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' and exists (select from rekey.deks d where d.id = old.dek_id and d.state = 'destroyed') then
    return old;
  end if;
  raise exception 'Material is deleted only after its DEK is destroyed' using errcode = 'RK003';
end
$$;

create trigger guard_dek_material before insert or update or delete on rekey.dek_material
  for each row execute function rekey.guard_dek_material();
create trigger guard_dek_material_truncate before truncate on rekey.dek_material
  for each statement execute function rekey.guard_dek_material();
