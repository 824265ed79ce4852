-- Declares a DEK that is out of use compromised, for somebody who asked for it. The state that it was in before: only
-- 'deactivated' was changed. Of an 'active' one it takes a rotation. Null: there is none.
create or replace function rekey.declare_compromised(dek uuid, reason text, actor jsonb) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  state_before text;
begin
  perform rekey.say_who_and_why(actor, reason);
  -- As the switch does, which may be about to take it out of use.
  select d.state into state_before from rekey.deks d where d.id = dek for no key update;
  perform rekey.mark_compromised(dek, null);
  return state_before;
end
$$;
