-- That events were cut off is an event, in the chain of the installation, when its transaction commits.
create or replace function rekey.record_cut_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(null, 'audit.cut', null, jsonb_build_object('treeSize', new.tree_size, 'years', new.years));
  return null;
end
$$;
