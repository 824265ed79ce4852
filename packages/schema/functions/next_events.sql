-- Takes from the outbox what the caller has written to its log, and answers the next events that nobody has written yet, for
-- the caller to write. One reader at a time gets any: whoever asked last, until it is silent for ten seconds. What it was
-- given and did not say to have written is given again, so that each event is written once, and twice only where a reader
-- dies or falls silent between the two.
create or replace function rekey.next_events(reader uuid, written_chains uuid[], written_sequences bigint[], at_most integer)
returns table (
  chain uuid, sequence bigint, tenant_id uuid, kind text, at timestamptz, actor jsonb, database_role text, rotation_id uuid,
  payload jsonb
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  silent_max constant interval := '10 seconds';
begin
  delete from rekey.event_outbox o using unnest(written_chains, written_sequences) w(chain, sequence)
    where (o.chain, o.sequence) = (w.chain, w.sequence);
  -- Where nothing happens nothing is written either.
  if at_most = 0 or not exists (select from rekey.event_outbox) then
    return;
  end if;
  update rekey.event_reader r set owner = reader, owned_until = clock_timestamp() + silent_max
    where r.owner = reader or r.owned_until < clock_timestamp()
      -- The clock has stepped back.
      or r.owned_until > clock_timestamp() + silent_max;
  if not found then
    return;
  end if;
  return query
    select e.chain, e.sequence, case when e.chain <> i.id then e.chain end, e.kind, e.at, e.actor, e.database_role,
      e.rotation_id, e.payload
    from (
      -- A row without its event, as after a restore of some tables, stands in nobody's way.
      select e.* from rekey.event_outbox o join rekey.events e on e.chain = o.chain and e.sequence = o.sequence
      order by o.chain, o.sequence limit at_most) e cross join rekey.installation i
    order by e.at, e.chain, e.sequence;
end
$$;
revoke execute on function rekey.next_events(uuid, uuid[], bigint[], integer) from public;
