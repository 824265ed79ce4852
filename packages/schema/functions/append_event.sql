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
  with appended as (insert into rekey.events select event.*),
      named as (insert into rekey.event_outbox (chain, sequence) values (event.chain, event.sequence) on conflict do nothing)
    update rekey.event_chains c set sequence = event.sequence, hash = event.hash where c.chain = event.chain;
end
$$;
revoke execute on function rekey.append_event(uuid, text, uuid, jsonb) from public;
