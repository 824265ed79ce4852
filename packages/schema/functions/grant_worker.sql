-- What a worker's database role needs: to make DEKs, switch, sweep and prove. Of registered tables it reads and writes the
-- columns of a sealed record only. To be called again after a table was registered.
create or replace function rekey.grant_worker(role_name name) returns void
language plpgsql
as $$
declare
  target record;
begin
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on all tables in schema rekey to %I', role_name);
  execute format('revoke select on rekey.idempotency_keys, rekey.settings, rekey.installation, rekey.events, rekey.event_chains, rekey.actor_names from %I', role_name);
  execute format('grant update on rekey.rotations to %I', role_name);
  execute format('grant insert on rekey.dek_material to %I', role_name);
  execute format('grant insert, update on rekey.rotation_ranges, rekey.record_counts to %I', role_name);
  execute format('grant insert, delete, update (ordinal) on rekey.rotation_failures to %I', role_name);
  execute format('grant update, delete on rekey.record_deltas to %I', role_name);
  execute format('grant execute on function rekey.installation_id(), rekey.snapshot_key(), rekey.switch_to_dek(uuid, uuid, uuid, uuid), rekey.drain_older(uuid, boolean), rekey.wait_for_drain(uuid), rekey.blockers_of(integer), rekey.halt_rotation(uuid), rekey.close_rotation(uuid, text, text, jsonb, timestamptz, jsonb), rekey.forget_idempotency_keys(), rekey.setting(text), rekey.integrity_problems(uuid), rekey.rotation_proved(uuid), rekey.completion_problems(uuid), rekey.settle_counts(uuid), rekey.recognize_database(), rekey.record_hash(text), rekey.refuse_altered(text) to %I', role_name);
  for target in select * from rekey.targets where retired_at is null loop
    execute format('grant select (%2$I, %3$I, %4$I, %5$I), update (%4$I, %5$I) on %6$s to %1$I', role_name,
      target.id_column, target.tenant_column, target.key_column, target.ciphertext_column, target.table_name);
  end loop;
end
$$;
