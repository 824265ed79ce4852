-- Keeps a witness's signature of a checkpoint, the first of each witness. Whoever reads it verifies it.
create or replace function rekey.keep_cosignature(size bigint, named text, signed_line text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if signed_line !~ '^— [^[:space:]+]+ [A-Za-z0-9+/]+={0,2}\n$' or split_part(signed_line, ' ', 2) <> named then
    raise exception 'This is no line of a signed note by that witness' using errcode = 'RK011';
  end if;
  insert into rekey.checkpoint_cosignatures (tree_size, witness, line) values (size, named, signed_line)
    on conflict do nothing;
end
$$;
revoke execute on function rekey.keep_cosignature(bigint, text, text) from public;
