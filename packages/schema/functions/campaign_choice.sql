-- Whom a campaign is for (rekey.campaign_selection), in the order in which they get their turns.
create or replace function rekey.campaign_choice(does text, selects jsonb, ids uuid[], on_kek_id text, sorted text)
returns table (tenant_id uuid, items bigint, turn integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.tenant_id, c.items, row_number() over (order by
      case sorted when 'smallest_first' then c.items when 'largest_first' then -c.items when 'as_given' then g.nth end,
      case sorted when 'oldest_key_first' then c.activated_at end, c.tenant_id)::integer
  from rekey.campaign_selection(on_kek_id, does = 'rewrap', (selects ->> 'olderThanDays')::integer, ids) c
    left join unnest(ids) with ordinality g (id, nth) on g.id = c.tenant_id
$$;
revoke execute on function rekey.campaign_choice(text, jsonb, uuid[], text, text) from public;
