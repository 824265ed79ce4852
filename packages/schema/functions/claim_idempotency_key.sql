-- No row: the key is this call's now. Else what it was used for. Waits for a concurrent call with the same key.
create or replace function rekey.claim_idempotency_key(
  caller_identity text, idempotency_key text, hash bytea, rotation uuid
) returns table (body_hash bytea, response text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from rekey.idempotency_keys k
    where k.caller = caller_identity and k.key = idempotency_key and k.created_at < now() - interval '24 hours';
  insert into rekey.idempotency_keys (caller, key, body_hash, rotation_id, response)
    values (caller_identity, idempotency_key, hash, rotation, '') on conflict do nothing;
  if found then
    return;
  end if;
  return query select k.body_hash, k.response from rekey.idempotency_keys k
    where k.caller = caller_identity and k.key = idempotency_key;
end
$$;
