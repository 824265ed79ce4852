-- What the API's database role needs: to start, follow and cancel rotations. It reads no key material and no records, and
-- changes nothing but through functions.
create or replace function rekey.grant_api(role_name name) returns void
language plpgsql
as $$
begin
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on rekey.migrations, rekey.functions, rekey.targets, rekey.rotations, rekey.rotation_ranges, rekey.rotation_failures to %I', role_name);
  execute format('grant execute on function rekey.installation_id(), rekey.snapshot_key(), rekey.start_rotation(uuid, uuid, uuid, jsonb, jsonb), rekey.lock_tenant(uuid), rekey.claim_idempotency_key(text, text, bytea, uuid), rekey.keep_answer(text, text, text), rekey.halt_rotation(uuid), rekey.close_rotation(uuid, text, text, jsonb, timestamptz, jsonb) to %I', role_name);
end
$$;
