-- A campaign as the one who acts, in rotations, rewraps and events.
create or replace function rekey.campaign_actor(campaign uuid) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select jsonb_build_object('kind', 'campaign', 'realm', null, 'id', 'campaign-' || campaign, 'name', null, 'email', null) $$;
revoke execute on function rekey.campaign_actor(uuid) from public;
