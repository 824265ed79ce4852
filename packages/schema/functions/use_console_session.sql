-- The session behind a cookie; no row: there is none, it has expired, or nobody used it for 30 minutes. `counts`: this is use,
-- and not a page that refreshes itself.
create or replace function rekey.use_console_session(session bytea, counts boolean)
returns table (caller jsonb, logged_in_at timestamptz, expires_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  idle constant interval := '30 minutes';
begin
  if counts then
    update rekey.console_sessions s set used_at = clock_timestamp()
      where s.id_hash = session and s.used_at < clock_timestamp() - interval '1 minute'
        and s.used_at > clock_timestamp() - idle and s.expires_at > clock_timestamp();
  end if;
  return query select s.caller, s.logged_in_at, s.expires_at from rekey.console_sessions s
    where s.id_hash = session and s.used_at > clock_timestamp() - idle and s.expires_at > clock_timestamp();
end
$$;
revoke execute on function rekey.use_console_session(bytea, boolean) from public;
