-- A table was put under the fence or taken from it, when its transaction commits. In the chain of the installation.
create or replace function rekey.record_target_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- One whose registration has only begun (rekey.register_target) is not registered.
  if (new.retired_at is null) <> (tg_op = 'UPDATE' and old.retired_at is null) then
    perform rekey.append_event(null, case when new.retired_at is null then 'target.registered' else 'target.unregistered' end,
      null, jsonb_build_object('target', new.name, 'table', new.table_name, 'itemType', new.item_type,
        'idColumn', new.id_column, 'tenantColumn', new.tenant_column, 'keyColumn', new.key_column,
        'ciphertextColumn', new.ciphertext_column));
  end if;
  return null;
end
$$;
