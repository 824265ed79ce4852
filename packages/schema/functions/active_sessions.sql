-- How many statements of others than Rekey's processes are under way, on average over some twenty milliseconds: statements that
-- take a tenth of one are seldom met by a single look. Null where nobody's activity is tracked, which is not zero.
create or replace function rekey.active_sessions() returns numeric
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  looks constant int := 8;
  met int := 0;
  active int;
  is_tracked boolean;
begin
  for look in 1..looks loop
    perform pg_stat_clear_snapshot();
    select count(*) filter (where state = 'active'), count(*) = 0 or bool_or(state <> 'disabled')
      into active, is_tracked
    from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name not like 'rekey-%';
    if not is_tracked then
      return null;
    end if;
    met := met + active;
    if look < looks then
      perform pg_sleep(0.002);
    end if;
  end loop;
  return round(met::numeric / looks, 3);
end;
$$;
revoke execute on function rekey.active_sessions() from public;
