-- Who acts in this transaction: what the setting rekey.actor says of it, else the user of the session. A name does not go
-- into a chain, where it would stay for ever, but beside it, under a salted hash.
create or replace function rekey.event_actor() returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  told text := nullif(current_setting('rekey.actor', true), '');
  acting jsonb;
  named bytea;
  salt uuid;
begin
  if told is null then
    return jsonb_build_object('kind', 'operator', 'realm', null, 'id', session_user, 'nameHash', null);
  end if;
  begin
    acting := told::jsonb;
  exception when others then
    acting := null;
  end;
  if coalesce(acting ->> 'kind' not in ('user', 'policy', 'campaign', 'worker', 'operator'), true)
    or coalesce(acting ->> 'id', '') = '' then
    raise exception 'rekey.actor is no actor: {"kind": "user | policy | campaign | worker | operator", "realm", "id", "name"}'
      using errcode = '22023';
  end if;
  if coalesce(acting ->> 'name', '') <> '' then
    select a.name_hash into named from rekey.actor_names a
      where (a.kind, a.id, a.name) = (acting ->> 'kind', acting ->> 'id', acting ->> 'name')
        and a.realm is not distinct from acting ->> 'realm';
    if not found then
      salt := gen_random_uuid();
      named := sha256(uuid_send(salt) || convert_to(acting ->> 'name', 'UTF8'));
      insert into rekey.actor_names (name_hash, salt, kind, realm, id, name)
        values (named, salt, acting ->> 'kind', acting ->> 'realm', acting ->> 'id', acting ->> 'name');
    end if;
  end if;
  return jsonb_build_object('kind', acting ->> 'kind', 'realm', acting ->> 'realm', 'id', acting ->> 'id',
    'nameHash', encode(named, 'hex'));
end
$$;
revoke execute on function rekey.event_actor() from public;
