-- Says for the events of this transaction who acts, unless the session has said so, and why, if that is known.
create or replace function rekey.say_who_and_why(actor jsonb, reason text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if actor is not null and coalesce(current_setting('rekey.actor', true), '') = '' then
    perform set_config('rekey.actor', ('{"kind": "user"}' || actor)::text, true);
  end if;
  perform set_config('rekey.reason', coalesce(reason, ''), true);
end
$$;
revoke execute on function rekey.say_who_and_why(jsonb, text) from public;
