-- How many tenants of a campaign ended otherwise than well, by themselves or by a person.
create or replace function rekey.campaign_failures(campaign uuid) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*) from rekey.campaign_members m
  where m.campaign_id = campaign and m.state in ('completed_with_failures', 'failed', 'cancelled')
$$;
revoke execute on function rekey.campaign_failures(uuid) from public;
