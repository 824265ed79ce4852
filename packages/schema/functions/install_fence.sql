-- Puts the fence around a registered table, or puts it right: may be run again at any time, and locks the table only
-- where a trigger is missing or disabled, or there is no tenant yet.
--
-- The fence is one statement-level trigger over the transition table: it costs 2 to 3 µs a record in large batches, where a
-- per-row trigger or a foreign key costs a third of the speed. It selects rows that ARE as they must be (searching for bad
-- ones would lock nothing) and locks them FOR SHARE (FOR KEY SHARE would not conflict with the closing of a lock).
create or replace function rekey.install_fence(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $install$
declare
  target rekey.targets;
  bytes_max bigint;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  bytes_max := rekey.sealed_bytes_max(target.format);

  execute format($sql$
    create or replace function rekey.%1$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $fence$
    declare
      sealed record;
      largest bigint := 0;
    begin
      -- Triggers of the application that fire after ours may have changed what ours has let pass.
      if tg_op = 'UPDATE' and rekey.has_foreign_row_trigger(tg_relid) then
        perform from replaced r where not exists (
          select from written w where w.%4$I = r.%4$I and w.%2$I is not distinct from r.%2$I);
        if found then
          raise exception 'The id and the tenant of a sealed record do not change' using errcode = 'RK004',
            hint = 'A BEFORE trigger of the application changed one.';
        end if;
      end if;
      -- Everything that is asked of the rows, in one look at them.
      for sealed in select w.%2$I as tenant, w.%3$I as key_number, max(octet_length(w.%5$I)) as bytes from written w
          group by 1, 2 order by 1, 2 loop
        largest := greatest(largest, sealed.bytes);
        continue when sealed.key_number is null;
        -- A snapshot that is older than the moment in which a DEK was declared compromised does not show that. To lock a row
        -- of which there is a newer version fails (40001): declaring makes one. Whoever locked it gives it back at once, so
        -- that nobody who declares has to wait.
        if current_setting('transaction_isolation') <> 'read committed' then
          begin
            perform from rekey.deks d join rekey.dek_identities i on i.dek_id = d.id
              where d.tenant_id = sealed.tenant and d.key_number = sealed.key_number for share of i;
            raise exception using errcode = 'RK000';
          exception when sqlstate 'RK000' then
            null;
          end;
        end if;
        perform from rekey.deks d join rekey.dek_locks l on l.dek_id = d.id
          where d.tenant_id = sealed.tenant and d.key_number = sealed.key_number and d.state = 'active'
            and l.slot = pg_backend_pid() %% l.slots and l.closed_at is null
          for share of l;
        continue when found;
        -- Only now it matters whether this was a write under a key: renaming a record that still waits for the sweep is
        -- none, and must not hold the older key. A transition-table trigger cannot name columns, so the old rows are
        -- joined here.
        if tg_op = 'UPDATE' then
          perform from written w left join replaced r on r.%4$I = w.%4$I
            where w.%2$I = sealed.tenant and w.%3$I = sealed.key_number
              and (r.%4$I is null or r.%2$I is distinct from w.%2$I
                or r.%3$I is distinct from w.%3$I or r.%5$I is distinct from w.%5$I);
          continue when not found;
        end if;
        -- A transaction that is older than the switch may finish under the DEK that it began with: the drain waits for it.
        perform from rekey.deks d join rekey.dek_locks l on l.dek_id = d.id
            left join rekey.dek_drains h on h.dek_id = d.id
          where d.tenant_id = sealed.tenant and d.key_number = sealed.key_number and d.state = 'deactivated'
            and (h.drain_before is null or pg_current_xact_id() < h.drain_before)
            and l.slot = pg_backend_pid() %% l.slots and l.closed_at is null
          for share of l;
        continue when found;
        if current_setting('transaction_isolation') <> 'read committed' then
          raise exception 'Tenant %%: its active DEK is not in the snapshot of this transaction', sealed.tenant
            using errcode = '40001';
        end if;
        raise exception 'Key %% of tenant %% is not active: seal under the active DEK', sealed.key_number, sealed.tenant
          using errcode = 'RK001', hint = 'Write through rekey.hold_dek or the vault library.';
      end loop;
      -- What is there already and larger stays; the sweep sets it aside.
      if largest > %6$s then
        found := true;
        if tg_op = 'UPDATE' then
          perform from written w left join replaced r on r.%4$I = w.%4$I
            where octet_length(w.%5$I) > %6$s and r.%5$I is distinct from w.%5$I;
        end if;
        if found then
          raise exception 'A value of %% is larger than this installation allows (%% bytes)', %7$L, %8$s
            using errcode = 'RK008';
        end if;
      end if;
      return null;
    end
    $fence$
    $sql$, 'fence_' || target.name, target.tenant_column, target.key_column, target.id_column,
    target.ciphertext_column, bytes_max, target.name, rekey.setting('value_bytes_max'));
  execute format('revoke execute on function rekey.%I() from public', 'fence_' || target.name);

  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_fence_insert_' || target.name,
    'after insert', 'referencing new table as written for each statement', 'fence_' || target.name);
  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_fence_update_' || target.name,
    'after update', 'referencing old table as replaced new table as written for each statement',
    'fence_' || target.name);
  -- After, and not before: for a trigger before the update Postgres locks each row first, and logs that, whatever columns
  -- are written: a tenth of what a batch of the sweep costs. The migrations made one before it; as long as there is no tenant
  -- nobody waits for what replaces it, and later rekey.repair_target does.
  if not exists (select from rekey.tenants) and exists (select from pg_trigger g
      where g.tgrelid = target.table_name::regclass and g.tgname = 'rekey_identity_' || target.name and g.tgtype & 2 = 2) then
    execute format('drop trigger %I on %s', 'rekey_identity_' || target.name, target.table_name);
  end if;
  -- Whatever columns a condition names, "alter table … alter column … type … using" refuses: it writes past all triggers.
  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_identity_' || target.name,
    format('after update of %I, %I', target.id_column, target.tenant_column),
    format('for each row when (old.%1$I is distinct from new.%1$I or old.%2$I is distinct from new.%2$I
        or false and num_nulls(new.%3$I, new.%4$I) > 2)',
      target.id_column, target.tenant_column, target.key_column, target.ciphertext_column),
    'refuse_identity_change');
end
$install$;
