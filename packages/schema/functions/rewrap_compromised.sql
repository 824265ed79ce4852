-- Begins the rewrap of what is under a compromised KEK, and ends those in its way: what they have rewrapped stays so. That of another
-- compromised KEK is for what is under that: if each ended the other, neither would come to its end. Called with rekey.rewraps locked
-- against others that begin.
create or replace function rekey.rewrap_compromised(compromise rekey.kek_compromises) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  work uuid := gen_random_uuid();
  other record;
begin
  for other in select r.id from rekey.rewraps r where r.status in ('in_progress', 'paused')
      and not exists (select from rekey.kek_compromises c
        where c.rewrap_id = r.id and c.id <> compromise.id and c.status = 'in_progress') loop
    perform rekey.steer_rewrap(other.id, 'cancelled', compromise.reason, compromise.initiated_by);
  end loop;
  perform rekey.say_who_and_why(compromise.initiated_by, compromise.reason);
  insert into rekey.rewraps (id, tenant_id, kek_name, kek_id, from_kek_id, calls_per_second_max, forced, reason, initiated_by,
      deks_at_start, deks)
    select work, null, compromise.target_name, compromise.target_kek_id, compromise.kek_id, compromise.calls_per_second_max,
      compromise.forced, compromise.reason, compromise.initiated_by, n.deks, n.deks
    from (select count(*) as deks from rekey.dek_material m where m.kek_id = compromise.kek_id) n;
  update rekey.kek_compromises c set rewrap_id = work where c.id = compromise.id;
end
$$;
revoke execute on function rekey.rewrap_compromised(rekey.kek_compromises) from public;
