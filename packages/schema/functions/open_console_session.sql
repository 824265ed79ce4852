-- Keeps a session under the hash of its cookie, for 12 hours at the most, and says until when. Of one person the 20 latest stay,
-- and some that are over are deleted on the way: nobody else comes by for that.
create or replace function rekey.open_console_session(
  session bytea, realm text, subject text, caller jsonb, logged_in_at timestamptz, expires_at timestamptz
) returns timestamptz
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  ends constant timestamptz := least(open_console_session.expires_at, clock_timestamp() + interval '12 hours');
begin
  delete from rekey.console_sessions s where s.id_hash in (
    select o.id_hash from rekey.console_sessions o where o.expires_at < clock_timestamp()
    order by o.expires_at limit 100 for update skip locked);
  delete from rekey.console_sessions s where s.id_hash in (
    select o.id_hash from rekey.console_sessions o
    where o.realm = open_console_session.realm and o.subject = open_console_session.subject
    order by o.created_at desc offset 19 for update skip locked);
  insert into rekey.console_sessions (id_hash, realm, subject, caller, logged_in_at, expires_at)
    values (session, open_console_session.realm, open_console_session.subject, open_console_session.caller,
      open_console_session.logged_in_at, ends);
  return ends;
end
$$;
revoke execute on function rekey.open_console_session(bytea, text, text, jsonb, timestamptz, timestamptz) from public;
