-- Puts right what rekey.integrity_problems says of a target, where that can be done without a decision: the table that
-- bears its name now takes the place of the one that was registered; constraint, fence and triggers are put around it; its
-- records are counted anew. What unfinished rotations have proved of it is swept and proved again.
--
-- Of a table that is too large to be looked through while it is locked, this is the first half, as in rekey.register_target:
-- everything from then on is fenced and counted, and rekey.finish_registration compares and counts what was there before. Until
-- then its constraint is not validated, which holds up every switch and every end (LABEL).
create or replace function rekey.repair_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
set row_security = off
as $$
declare
  target rekey.targets;
begin
  -- What was committed before the lock has to be seen after it.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'A table is repaired by a transaction in READ COMMITTED' using errcode = 'feature_not_supported';
  end if;
  -- Writers of the table lock this row as well, but for its key only.
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at is null for no key update;
  perform rekey.lock_briefly(array[target.table_name::regclass], 'access exclusive',
    format('select rekey.put_fence_anew(%L)', target_name));
end
$$;
revoke execute on function rekey.repair_target(text) from public;
