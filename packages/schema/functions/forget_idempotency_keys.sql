-- Deletes keys that are not honoured any more, some at a time.
create or replace function rekey.forget_idempotency_keys() returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from rekey.idempotency_keys where (caller, key) in (
    select caller, key from rekey.idempotency_keys
    where created_at < now() - interval '25 hours' order by created_at limit 1000 for update skip locked)
$$;
