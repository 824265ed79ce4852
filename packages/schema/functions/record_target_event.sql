-- A table was put under the fence or taken from it, when its transaction commits. In the chain of the installation.
create or replace function rekey.record_target_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' or (old.retired_at is null) <> (new.retired_at is null) then
    perform rekey.append_event(null, case when new.retired_at is null then 'target.registered' else 'target.unregistered' end,
      null, jsonb_build_object('target', new.name, 'table', new.table_name, 'itemType', new.item_type,
        'idColumn', new.id_column, 'tenantColumn', new.tenant_column, 'keyColumn', new.key_column,
        'ciphertextColumn', new.ciphertext_column));
  end if;
  return null;
end
$$;
