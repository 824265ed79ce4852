-- Keeps the answer of the call that claimed an idempotency key in this transaction; a kept one never changes.
create or replace function rekey.keep_answer(caller_identity text, idempotency_key text, answer text) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update rekey.idempotency_keys k set response = answer
    where k.caller = caller_identity and k.key = idempotency_key and k.response = ''
$$;
