-- What the guarantee rests on and what is not as it must be: of everything, and of this tenant if one is given. Nothing:
-- what sweep, proof and guard see is what is there. Asked before a switch and before a rotation is completed; takes about
-- a millisecond. With the rights of the owner, so that everybody gets the same answer, and about the eyes of both: the
-- owner's, which guards look with, and those of the session, which sweeps.
create or replace function rekey.integrity_problems(tenant uuid default null)
returns table (target text, code text, problem text, todo text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
-- Compiling it would take ten times as long as running it.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = on
as $check$
declare
  looks name := case current_setting('role') when 'none' then session_user::text else current_setting('role') end;
  mend constant text := 'put right what was changed, then: select rekey.repair_target(%L)';
  plain constant text := E' \t\n\r\v\f"()';
begin
  return query
  with registered as materialized (
    select g.*, c.oid as there, c.relrowsecurity, c.relhasrules, c.relhassubclass, c.relispartition, c.relpersistence,
      c.relkind, i.attnum as id_number, i.attcollation as id_collation, i.type as id_is, n.attnum as tenant_number,
      n.type as tenant_is, k.attnum as key_number, k.type as key_is, k.attnotnull as key_not_null,
      s.attnum as sealed_number, s.type as sealed_is
    from rekey.targets g
    left join (pg_class c join pg_namespace ns on ns.oid = c.relnamespace)
      on c.oid = g.table_oid and format('%I.%I', ns.nspname, c.relname) = g.table_name
    left join lateral (select a.attnum, a.attcollation, format_type(a.atttypid, null) as type from pg_attribute a
      where a.attrelid = c.oid and a.attname = g.id_column) i on true
    left join lateral (select a.attnum, format_type(a.atttypid, null) as type from pg_attribute a
      where a.attrelid = c.oid and a.attname = g.tenant_column) n on true
    left join lateral (select a.attnum, a.attnotnull, format_type(a.atttypid, null) as type from pg_attribute a
      where a.attrelid = c.oid and a.attname = g.key_column) k on true
    left join lateral (select a.attnum, format_type(a.atttypid, null) as type from pg_attribute a
      where a.attrelid = c.oid and a.attname = g.ciphertext_column) s on true
    where g.retired_at is null),
  -- A table that is gone or has lost a column holds up those who have records in it, and nobody else.
  t as materialized (
    select r.* from registered r
    where not (tenant is not null
      and case when r.there is null then to_regclass(r.table_name) is null
        else (r.id_is, r.tenant_is, r.key_is, r.sealed_is) is distinct from (r.id_type, 'uuid', 'integer', 'bytea') end
      and coalesce((select c.records from rekey.record_counts c where c.tenant_id = tenant and c.target = r.name), 0)
        + coalesce((select sum(d.delta) from rekey.record_deltas d where d.tenant_id = tenant and d.target = r.name), 0) = 0))
  select t.name, 'TABLE_GONE', format('There is no table %s any more.', t.table_name),
      format('give it its name back; or, if it was dropped: select rekey.unregister_target(%L)', t.name)
    from t where t.there is null and to_regclass(t.table_name) is null
  union all
  select t.name, 'DATABASE_RESTORED', format('This database was restored or copied, so %s is not known yet.', t.table_name),
      'start a worker, run the migrations, or: select rekey.recognize_database()'
    from t where t.there is null and to_regclass(t.table_name) is not null
      and t.database_id is distinct from (select rekey.database_id())
  union all
  select t.name, 'TABLE_REPLACED', format('%s is another table than the one that was registered.', t.table_name),
      format('if it is to take its place: select rekey.repair_target(%L)', t.name)
    from t where t.there is null and to_regclass(t.table_name) is not null and t.database_id = (select rekey.database_id())
  union all
  select t.name, 'COLUMN_CHANGED', format('%s is missing or of another type: %s.', t.table_name, x.columns),
      'give it back its name and type'
    from t, lateral (select concat_ws(', ',
      case when t.id_is is distinct from t.id_type then t.id_column end,
      case when t.tenant_is is distinct from 'uuid' then t.tenant_column end,
      case when t.key_is is distinct from 'integer' then t.key_column end,
      case when t.sealed_is is distinct from 'bytea' then t.ciphertext_column end) as columns) x
    where t.there is not null and x.columns <> ''
  union all
  select t.name, 'KIND_OF_TABLE', format('%s is not a plain table any more.', t.table_name),
      'detach its partitions and children, drop its rules, set it logged'
    from t where t.relkind <> 'r' or t.relispartition or t.relpersistence <> 'p'
      or (t.relhasrules and exists (select from pg_rewrite r where r.ev_class = t.there))
      or (t.relhassubclass and exists (select from pg_inherits h where h.inhparent = t.there))
      or exists (select from pg_inherits h where h.inhrelid = t.there)
  union all
  select t.name, 'SUBSCRIBED', format('A subscription of logical replication fills %s past its fence.', t.table_name),
      'rotate on the publisher, or end the subscription'
    from t where t.there = any (array(select s.srrelid from pg_subscription_rel s))
  union all
  select t.name, 'ROW_SECURITY', format('Row level security may hide rows of %s from %s.', t.table_name, x.role),
      format('alter role %I bypassrls', x.role)
    from t, unnest(array[looks, current_user]) x(role)
    where t.relrowsecurity and rekey.is_hidden_from(t.there, x.role)
    group by t.name, t.table_name, x.role
  union all
  -- tgtype: 1 for each row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate (src/include/catalog/pg_trigger.h)
  select t.name, 'TRIGGER', format('Triggers of %s are missing, disabled or changed: %s.', t.table_name,
      string_agg(e.kind, ', ')), format(mend, t.name)
    from t cross join (values ('fence_insert', 'fence_', 4), ('fence_update', 'fence_', 16), ('identity', null, 17),
        ('count_insert', 'count_', 4), ('count_delete', 'count_', 8), ('count_update', 'count_', 16),
        ('count_truncate', 'count_', 32)) e(kind, calls, type)
    where t.there is not null and not (e.kind = 'count_update' and t.key_not_null) and not exists (
      select from pg_trigger g join pg_proc p on p.oid = g.tgfoid
      where g.tgrelid = t.there and g.tgname = 'rekey_' || e.kind || '_' || t.name
        -- Of an earlier version the identity trigger is one before the update: as good, and slower.
        and (g.tgtype = e.type or e.kind = 'identity' and g.tgtype = 19)
        and g.tgenabled in ('O', 'A') and not g.tgdeferrable and p.pronamespace = 'rekey'::regnamespace
        and p.proname = coalesce(e.calls || t.name, 'refuse_identity_change')
        and case when e.kind = 'identity' then t.id_number = any (g.tgattr) and t.tenant_number = any (g.tgattr)
          else g.tgqual is null and g.tgattr::text = '' end)
    group by t.name, t.table_name
  union all
  select t.name, 'LABEL', format('The constraint %s of %s is missing, not validated or changed.',
      'rekey_label_' || t.name, t.table_name), format(mend, t.name)
    from t where t.there is not null and not exists (
      select from pg_constraint c where c.conrelid = t.there and c.conname = 'rekey_label_' || t.name
        and c.contype = 'c' and c.convalidated and t.key_number = any (c.conkey) and t.sealed_number = any (c.conkey)
        -- As it was written, but for what Postgres adds when it says a condition. Of a format of a later version it is not known.
        and coalesce(replace(translate(lower(pg_get_expr(c.conbin, c.conrelid)), plain, ''), '::bytea', '')
          = replace(translate(lower(rekey.label_condition(t.format, t.ciphertext_column, t.key_column)), plain, ''), '::bytea', ''), true))
  union all
  select t.name, 'INDEX', format('%s has no valid index on (%I, %I) any more, or none that makes %I unique.',
      t.table_name, t.tenant_column, t.id_column, t.id_column),
      'create or reindex it'
    from t where t.there is not null and t.id_number is not null and (
      select count(*) filter (where i.indkey[0] = t.tenant_number and i.indkey[1] = t.id_number and i.indnkeyatts >= 2
          and i.indcollation[1] = t.id_collation) = 0
        or count(*) filter (where i.indisunique and i.indkey[0] = t.id_number and i.indnkeyatts = 1 and i.indcollation[0] = t.id_collation) = 0
      from pg_index i where i.indrelid = t.there and i.indisvalid and i.indisready and i.indpred is null)
  union all
  -- By which the order of an index may have changed under it: ranges would miss what stands elsewhere now.
  select t.name, 'COLLATION', format('The collation %s of %s was %s when its indexes were built and is %s now.',
      x.name, t.table_name, x.was, x.is),
      'reindex the table, then: ' || x.refresh || format('; select rekey.repair_target(%L)', t.name)
    from t, lateral (
      select l.collname as name, l.collversion as was, pg_collation_actual_version(l.oid) as is,
          format('alter collation %s refresh version', l.oid::regcollation) as refresh
        from pg_collation l where l.oid = t.id_collation and l.collprovider <> 'd'
      union all
      select 'default', d.datcollversion, pg_database_collation_actual_version(d.oid),
          format('alter database %I refresh collation version', d.datname)
        from pg_collation l, pg_database d
        where l.oid = t.id_collation and l.collprovider = 'd' and d.datname = current_database()) x
    where t.id_collation <> 0 and x.was <> x.is
  union all
  select null, 'REPLICA_ROLE', 'session_replication_role is replica: triggers do not fire.',
      'take the setting away from roles and databases'
    where current_setting('session_replication_role') = 'replica' or exists (
      select from pg_db_role_setting s where 'session_replication_role=replica' = any (s.setconfig)
        and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database())))
  union all
  select null, 'GUARD', format('Guards of Rekey''s own tables are missing or disabled: %s.',
      string_agg(format('%s of %s', n.name, e.on_table), ', ')),
      'alter table … enable trigger …'
    -- Each of them: test/control/integrity.test.ts looks for one that is not named here.
    from (values ('deks', array['guard_dek', 'guard_dek_truncate', 'record_event', 'record_event_update']),
      ('dek_material', array['guard_dek_material', 'guard_dek_material_truncate', 'record_event']),
      ('dek_checks', array['guard_dek_check', 'guard_dek_check_truncate']),
      ('dek_locks', array['guard_dek_lock', 'guard_dek_lock_truncate']),
      ('rotations', array['guard_rotation', 'guard_rotation_truncate', 'guard_rotation_insert', 'guard_superseding', 'record_event',
        'record_event_update', 'record_hours_event', 'record_limit_event']),
      ('rotation_ranges', array['guard_proof', 'guard_range', 'guard_range_update', 'guard_range_truncate']),
      ('rotation_failures', array['guard_failure', 'guard_failure_truncate']),
      ('events', array['guard_event', 'guard_event_truncate']), ('event_chains', array['guard_event', 'guard_event_truncate']),
      ('event_cuts', array['guard_event_cut', 'guard_event_cut_truncate', 'record_event']),
      ('log_leaves', array['guard_event', 'guard_event_truncate']), ('log_nodes', array['guard_event', 'guard_event_truncate']),
      ('log_checkpoints', array['guard_event', 'guard_event_truncate']),
      ('checkpoint_cosignatures', array['guard_event', 'guard_event_truncate']),
      ('signing_keys', array['guard_signing_key', 'guard_signing_key_truncate']),
      ('second_signing_keys', array['guard_signing_key', 'guard_signing_key_truncate']),
      ('rotation_certificates', array['guard_event', 'guard_event_truncate']),
      ('other_certificates', array['guard_event', 'guard_event_truncate']),
      ('certificate_stamps', array['guard_certificate_stamp', 'guard_certificate_stamp_truncate']),
      ('rewraps', array['guard_rewrap', 'guard_rewrap_truncate', 'record_event', 'record_event_update']),
      ('policies', array['guard_event', 'guard_event_truncate', 'record_event']),
      ('campaigns', array['guard_campaign', 'guard_campaign_truncate', 'record_event', 'record_event_update']),
      ('campaign_members', array['guard_campaign_member', 'guard_campaign_member_truncate']),
      ('kek_compromises', array['guard_kek_compromise', 'guard_kek_compromise_truncate', 'record_event']),
      ('kek_compromise_deks', array['guard_kek_compromise_deks', 'guard_kek_compromise_deks_truncate']),
      ('kek_choices', array['record_event']), ('keks', array['record_event']), ('tenants', array['record_event']),
      ('targets', array['record_event']), ('settings', array['record_event']), ('granted_roles', array['record_event'])
      ) e(on_table, names), lateral (select to_regclass('rekey.' || e.on_table) as oid offset 0) o, unnest(e.names) n(name)
    -- Against all triggers at once: to look through them for each table took half of the whole look.
    where not exists (select from pg_trigger g
      where g.tgrelid = o.oid and g.tgname = n.name and g.tgenabled in ('O', 'A'))
    having count(*) > 0
  union all
  select null, 'FUNCTION', format('Functions of the schema rekey are missing or were changed by hand: %s.',
      string_agg(f.name, ', ' order by f.name)), 'npm run migrate, then rekey.repair_target for what is registered'
    from rekey.function_digests f
      -- All of their rows at once: to look for each by its number took a third of the whole look. What a database is made
      -- with has smaller numbers (FirstNormalObjectId).
      left join (select p.oid, p.xmin from pg_proc p where p.oid >= 16384) made on made.oid = f.function_oid
    -- The text is only looked at where the row is another one than it was: after a restore it is. Said as a case, or the
    -- planner would make a join of it and digest them all.
    where case when made.xmin = f.row_made_by then false else not exists (
      select from pg_proc p where p.pronamespace = 'rekey'::regnamespace and p.proname = f.name and p.pronargs = f.arguments
        and rekey.function_digest(p.prosrc, p.prosecdef, p.proconfig) = f.digest) end
    having count(*) > 0
  union all
  select null, 'LOCK_LOST', 'The active DEK of the tenant has no open row in rekey.dek_locks.', 'rotate again after a cancel'
    where exists (select from rekey.deks d where d.tenant_id = tenant and d.state = 'active'
      and not exists (select from rekey.dek_locks l where l.dek_id = d.id and l.closed_at is null));
end
$check$;
revoke execute on function rekey.integrity_problems(uuid) from public;
