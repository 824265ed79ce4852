-- An actor as it stands once its name and e-mail address are erased.
create or replace function rekey.without_name(actor jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select actor || coalesce((
    select jsonb_object_agg(m.key, null) from jsonb_object_keys(actor) m(key) where m.key in ('name', 'email')), '{}')
$$;
revoke execute on function rekey.without_name(jsonb) from public;
