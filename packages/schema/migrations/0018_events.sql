-- What was decided, when and by whom (docs/adr/0041): one row per event, written by triggers in the transaction that decides,
-- chained per tenant by hashes. What touches no tenant stands in the chain of the installation, under its id.
create table rekey.events (
  chain uuid not null,
  sequence bigint not null check (sequence > 0),
  -- Of the payload: what is added to it leaves the version, what changes raises it.
  version integer not null,
  kind text not null check (kind ~ '^[a-z]+\.[a-z_]{1,60}$'),
  at timestamptz not null,
  actor jsonb not null,
  -- Whom Postgres knew: unlike the actor, which the session may say.
  database_role text not null,
  rotation_id uuid,
  payload jsonb not null,
  previous bytea not null check (octet_length(previous) = 32),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (chain, sequence)
);
create index events_by_rotation on rekey.events (rotation_id) where rotation_id is not null;

-- The last event of each chain: locked last of all by whoever appends, so that chains have no gap.
create table rekey.event_chains (
  chain uuid primary key,
  sequence bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex') check (octet_length(hash) = 32)
) with (fillfactor = 50);

-- Names of actors, which chains know by a salted hash only: a row can be deleted, and the chains stay whole.
create table rekey.actor_names (
  -- SHA-256 of the salt's sixteen bytes and the name in UTF-8.
  name_hash bytea primary key,
  salt uuid not null,
  kind text not null,
  realm text,
  id text not null,
  name text not null
);
create index actor_names_by_actor on rekey.actor_names (id, name);

-- RFC 8785 of JSON whose numbers are integers and whose names of members are ASCII, as all that stands in events: Postgres
-- escapes strings as ECMAScript does.
create or replace function rekey.canonical_json(value jsonb) returns text
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then '{' || coalesce((
      select string_agg(to_json(m.key)::text || ':' || rekey.canonical_json(m.value), ',' order by m.key collate "C")
      from jsonb_each(value) m), '') || '}'
    when 'array' then '[' || coalesce((
      select string_agg(rekey.canonical_json(m.value), ',' order by m.ordinality)
      from jsonb_array_elements(value) with ordinality m), '') || ']'
    else value::text
  end;
end
$$;
revoke execute on function rekey.canonical_json(jsonb) from public;

-- SHA-256 over the fields of an event in this order, as UTF-8, each behind its length in bytes (four bytes, big-endian), and
-- the hash of the event before it. Times are in UTC with microseconds; what is null is empty.
create or replace function rekey.event_hash(event rekey.events) returns bytea
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select sha256(string_agg(int4send(octet_length(f.field)) || f.field, ''::bytea order by f.n))
  from (values
    (1, convert_to('rekey event', 'UTF8')),
    (2, convert_to(event.version::text, 'UTF8')),
    (3, convert_to(event.chain::text, 'UTF8')),
    (4, convert_to(event.sequence::text, 'UTF8')),
    (5, convert_to(to_char(event.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')),
    (6, convert_to(event.kind, 'UTF8')),
    (7, convert_to(rekey.canonical_json(event.actor), 'UTF8')),
    (8, convert_to(event.database_role, 'UTF8')),
    (9, convert_to(coalesce(event.rotation_id::text, ''), 'UTF8')),
    (10, convert_to(rekey.canonical_json(event.payload), 'UTF8')),
    (11, event.previous)) f(n, field)
$$;
revoke execute on function rekey.event_hash(rekey.events) from public;

-- Who acts in this transaction: what the setting rekey.actor says of it, else the user of the session. A name does not go
-- into a chain, where it would stay for ever, but beside it, under a salted hash.
create or replace function rekey.event_actor() returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  told text := nullif(current_setting('rekey.actor', true), '');
  acting jsonb;
  named bytea;
  salt uuid;
begin
  if told is null then
    return jsonb_build_object('kind', 'operator', 'realm', null, 'id', session_user, 'nameHash', null);
  end if;
  begin
    acting := told::jsonb;
  exception when others then
    acting := null;
  end;
  if coalesce(acting ->> 'kind' not in ('user', 'policy', 'campaign', 'worker', 'operator'), true)
    or coalesce(acting ->> 'id', '') = '' then
    raise exception 'rekey.actor is no actor: {"kind": "user | policy | campaign | worker | operator", "realm", "id", "name"}'
      using errcode = '22023';
  end if;
  if coalesce(acting ->> 'name', '') <> '' then
    select a.name_hash into named from rekey.actor_names a
      where (a.kind, a.id, a.name) = (acting ->> 'kind', acting ->> 'id', acting ->> 'name')
        and a.realm is not distinct from acting ->> 'realm';
    if not found then
      salt := gen_random_uuid();
      named := sha256(uuid_send(salt) || convert_to(acting ->> 'name', 'UTF8'));
      insert into rekey.actor_names (name_hash, salt, kind, realm, id, name)
        values (named, salt, acting ->> 'kind', acting ->> 'realm', acting ->> 'id', acting ->> 'name');
    end if;
  end if;
  return jsonb_build_object('kind', acting ->> 'kind', 'realm', acting ->> 'realm', 'id', acting ->> 'id',
    'nameHash', encode(named, 'hex'));
end
$$;
revoke execute on function rekey.event_actor() from public;

-- Appends to a chain: a tenant's, or with null that of the installation. Called when a transaction commits, so that the head
-- of the chain is the last thing that it locks; a transaction of a stricter isolation level that met another one there is
-- refused with 40001.
create or replace function rekey.append_event(tenant uuid, kind text, rotation uuid, payload jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  head rekey.event_chains;
  event rekey.events;
begin
  event.chain := coalesce(tenant, (select i.id from rekey.installation i));
  select * into head from rekey.event_chains c where c.chain = event.chain for update;
  if not found then
    insert into rekey.event_chains (chain) values (event.chain) on conflict do nothing;
    select * into head from rekey.event_chains c where c.chain = event.chain for update;
    if not found then
      -- Another transaction began the chain, after the snapshot of this one.
      raise exception 'The chain of % was begun by a concurrent transaction', event.chain using errcode = '40001';
    end if;
  end if;
  event.sequence := head.sequence + 1;
  event.version := 1;
  event.kind := kind;
  event.at := clock_timestamp();
  event.actor := rekey.event_actor();
  event.database_role := session_user;
  event.rotation_id := rotation;
  event.payload := payload;
  event.previous := head.hash;
  event.hash := rekey.event_hash(event);
  insert into rekey.events select event.*;
  update rekey.event_chains c set sequence = event.sequence, hash = event.hash where c.chain = event.chain;
end
$$;
revoke execute on function rekey.append_event(uuid, text, uuid, jsonb) from public;

-- Rotations from before have no events: one says how they stood.
create function pg_temp.import_rotation(r rekey.rotations) returns void
language sql
as $$
  select rekey.append_event(r.tenant_id, 'rotation.imported', r.id, jsonb_strip_nulls(jsonb_build_object(
    'status', r.status, 'previousKeyId', r.previous_dek_id, 'newKeyId', r.new_dek_id,
    'startedAt', r.started_at, 'switchedAt', r.switched_at, 'completedAt', r.completed_at,
    'failureReason', r.failure_reason, 'itemsToRotate', r.items_to_rotate)))
$$;
do $$
declare
  r rekey.rotations;
begin
  for r in select * from rekey.rotations order by started_at, id loop
    perform pg_temp.import_rotation(r);
  end loop;
end
$$;

create function rekey.guard_event() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_event before update or delete on rekey.events
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.events
  for each statement execute function rekey.guard_event();
create trigger guard_event before update or delete on rekey.event_chains
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.event_chains
  for each statement execute function rekey.guard_event();

-- Deferred, so that the heads of chains are locked last. What happens often and is no event is passed over by conditions.
create function rekey.record_rotation_event() returns trigger language plpgsql as $$ begin return null; end $$;
create function rekey.record_dek_event() returns trigger language plpgsql as $$ begin return null; end $$;
create function rekey.record_material_event() returns trigger language plpgsql as $$ begin return null; end $$;
create function rekey.record_target_event() returns trigger language plpgsql as $$ begin return null; end $$;
create function rekey.record_tenant_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert on rekey.tenants
  deferrable initially deferred for each row execute function rekey.record_tenant_event();
create constraint trigger record_event after insert on rekey.rotations
  deferrable initially deferred for each row execute function rekey.record_rotation_event();
create constraint trigger record_event_update after update on rekey.rotations
  deferrable initially deferred for each row
  when (old.status <> new.status or old.switched_at is distinct from new.switched_at
    or old.drained_at is distinct from new.drained_at)
  execute function rekey.record_rotation_event();
create constraint trigger record_event after insert on rekey.deks
  deferrable initially deferred for each row execute function rekey.record_dek_event();
create constraint trigger record_event_update after update on rekey.deks
  deferrable initially deferred for each row when (old.state <> new.state) execute function rekey.record_dek_event();
create constraint trigger record_event after insert or update or delete on rekey.dek_material
  deferrable initially deferred for each row execute function rekey.record_material_event();
create constraint trigger record_event after insert or update on rekey.targets
  deferrable initially deferred for each row execute function rekey.record_target_event();
