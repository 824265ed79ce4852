-- Takes the fence down and leaves the table and its records as they are. Refused while records stand under DEKs:
-- nothing would count them any more. A table that is gone is passed over by this; one that was renamed or replaced under
-- its name is looked for by both. A large table is looked through before it is locked, and what was written since is seen by its
-- counts; only where those cannot be relied on it is looked through while nobody may write. A registration that is not finished is taken back, whatever the table holds.
create or replace function rekey.unregister_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  target rekey.targets;
  -- What bears the name is what was registered.
  is_same boolean;
  is_small boolean;
  by_counts boolean;
  tables regclass[];
  look text := 'records';
begin
  -- What was committed before the lock has to be seen after it.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'A table is unregistered by a transaction in READ COMMITTED' using errcode = 'feature_not_supported';
  end if;
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity' for no key update;
  tables := array(select c.oid::regclass from pg_class c
    where c.relkind = 'r' and c.oid in (target.table_oid, to_regclass(target.table_name)) order by 1);
  -- Counted right at this moment, and by triggers from then on.
  is_same := coalesce(target.table_oid = to_regclass(target.table_name)::oid, false);
  is_small := rekey.is_looked_through_locked(target.table_oid::regclass);
  by_counts := is_same and not is_small
    and not exists (select from rekey.integrity_problems() p
      where p.target = target_name and p.code in ('TRIGGER', 'COLUMN_CHANGED', 'KIND_OF_TABLE', 'ROW_SECURITY', 'SUBSCRIBED')
        or p.code in ('REPLICA_ROLE', 'FUNCTION'));
  if target.retired_at is not null then
    look := 'nothing';
  elsif by_counts then
    perform rekey.refuse_sealed(target_name, tables, target.key_column);
    perform rekey.recount_records(target_name);
    look := 'counts';
  elsif not (is_same and is_small) then
    perform rekey.lock_briefly(tables, 'share row exclusive', 'select');
    perform rekey.refuse_sealed(target_name, tables, target.key_column);
    look := 'nothing';
  end if;
  perform rekey.lock_briefly(tables, 'access exclusive',
    format('select rekey.take_fence_down(%L, %L, %L)', target_name, tables, look));
end
$$;
