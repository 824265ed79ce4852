-- Forgets the names and e-mail addresses of an actor, wherever they stand in this schema: beside the events, and with what the
-- actor began or ended. Its id stays, in chains for ever. How many rows were changed.
create or replace function rekey.erase_actor(of_realm text, of_id text) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  place record;
  erased bigint;
  changed bigint;
begin
  if coalesce(of_id, '') = '' then
    raise exception 'An actor is named by its realm and id' using errcode = '22023';
  end if;
  delete from rekey.actor_names a where a.id = of_id and a.realm is not distinct from of_realm;
  get diagnostics erased = row_count;
  -- Whoever is signed in would be remembered with the next call.
  delete from rekey.console_sessions s where s.subject = of_id and s.realm is not distinct from of_realm;
  get diagnostics changed = row_count;
  erased := erased + changed;
  -- Whoever did something stands in columns that end so, in every table, also in those to come.
  for place in
    select c.oid::regclass as in_table, a.attname as in_column
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'rekey'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      and a.atttypid = 'jsonb'::regtype and a.attname like '%\_by'
    order by 1, 2
  loop
    execute format($sql$update %1$s t set %2$I = rekey.without_name(t.%2$I)
        where t.%2$I ->> 'id' = $1 and t.%2$I ->> 'realm' is not distinct from $2
          and t.%2$I is distinct from rekey.without_name(t.%2$I)$sql$, place.in_table, place.in_column)
      using of_id, of_realm;
    get diagnostics changed = row_count;
    erased := erased + changed;
  end loop;
  perform rekey.append_event(null, 'actor.erased', null,
    jsonb_build_object('realm', of_realm, 'id', of_id, 'rows', erased));
  return erased;
end
$$;
revoke execute on function rekey.erase_actor(text, text) from public;
