-- Keeps a signed checkpoint of the log, of a size at which its last leaf says where the chains stood; one of each size.
create or replace function rekey.keep_checkpoint(named text, signed_note text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  size constant bigint := split_part(signed_note, E'\n', 2);
begin
  perform from rekey.signing_keys k
    where k.kid = named and k.retired_at is null and k.compromised_at is null for share;
  if not found then
    raise exception 'Checkpoints are not signed with this key' using errcode = 'RK011';
  end if;
  perform from rekey.log_leaves l
    where l.index = size - 1 and l.chain is null;
  if not found then
    raise exception 'The checkpoint is of a size at which the log has no heads' using errcode = 'RK011';
  end if;
  insert into rekey.log_checkpoints (tree_size, kid, note) values (size, named, signed_note)
    on conflict do nothing;
end
$$;
revoke execute on function rekey.keep_checkpoint(text, text) from public;
