-- Keeps a signed checkpoint of the log as it stands; whoever calls has locked the log.
create or replace function rekey.keep_checkpoint(named text, signed_note text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.signing_keys k
    where k.kid = named and k.retired_at is null and k.compromised_at is null for share;
  if not found then
    raise exception 'Checkpoints are not signed with this key' using errcode = 'RK011';
  end if;
  if split_part(signed_note, E'\n', 2) is distinct from rekey.lock_log()::text then
    raise exception 'The checkpoint is of another size than the log' using errcode = 'RK011';
  end if;
  insert into rekey.log_checkpoints (tree_size, kid, note) values (rekey.lock_log(), named, signed_note);
end
$$;
revoke execute on function rekey.keep_checkpoint(text, text) from public;
