-- Cancels an unfinished ordinary rotation that rekey.halt_rotation has locked in this transaction, for one because of a
-- compromised key that begins in it too: `superseding` is the id it will have. No row: it has ended, or is of that kind itself.
--
-- Whoever says that a tenant's key is compromised knows it by its use, not by its number. Of a rotation behind its switch two
-- were in use until now, so the DEK that it was leaving is declared compromised with this; the other one is at the switch. Not so
-- of a retry: what the rotation before it was leaving is out of use for as long as that is over.
create or replace function rekey.supersede_rotation(
  rotation uuid, superseding uuid, final_progress jsonb, ended_at timestamptz, actor jsonb
) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rekey.rotations r where r.id = rotation and r.compromise) then
    return;
  end if;
  return query
    select * from rekey.end_rotation(rotation, 'cancelled', null, final_progress, ended_at, actor, superseding);
  if found then
    perform rekey.mark_compromised(r.previous_dek_id, superseding) from rekey.rotations r
      where r.id = rotation and r.switched_at is not null and r.retry_of is null;
  end if;
end
$$;
