-- Whether a DEK was used for nothing for so long as it must be before it is destroyed. 'unknown' where that cannot be told,
-- since silence is no evidence: a process that is silent, or has not told everything; a role that can read wrapped DEKs and
-- of which no process was ever heard; a register, or a database, that has not been watched for so long.
create or replace function rekey.key_disuse(dek uuid, out state text, out evidence jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  silent_after constant interval := '180 seconds';
  span interval := rekey.setting('destruction_unused_seconds') * interval '1 second';
  last_used timestamptz;
  watched_since timestamptz;
  -- Up to then everything was told by everybody.
  told_until timestamptz;
  silent jsonb;
  unheard jsonb;
begin
  last_used := greatest(
    (select max(o.last_opened_at) from rekey.process_deks o where o.dek_id = dek),
    (select o.last_opened_at from rekey.dek_openings o where o.dek_id = dek));
  -- What was reported to another database, or was lost in a failover, is not known here.
  select greatest(s.seen_at, (select m.ran_at from rekey.migrations m where m.name = '0038_processes.sql'))
    into watched_since from rekey.database_sightings s
    where s.id = (select max(l.id) from rekey.database_sightings l)
      and (s.database_id, s.timeline) = (rekey.database_id(), rekey.database_timeline());
  -- Who was silent for longer than that holds no DEK any more, and is judged no more.
  select least(min(p.told_at), clock_timestamp()),
      jsonb_agg(jsonb_build_object('processId', p.id, 'kind', p.kind, 'host', p.host, 'role', p.database_role,
        'toldAt', p.told_at)) filter (where p.told_at is null or p.told_at < clock_timestamp() - silent_after)
    into told_until, silent
    from rekey.processes p
    where p.ended_at is null and p.heartbeat_at >= clock_timestamp() - greatest(span, 2 * silent_after);
  select jsonb_agg(r.role_name order by r.role_name) into unheard from rekey.material_readers() r where r.heard_at is null;
  evidence := jsonb_build_object('lastUsedAt', last_used, 'seconds', extract(epoch from span)::bigint,
    'watchedSince', watched_since, 'silentProcesses', coalesce(silent, '[]'), 'unheardRoles', coalesce(unheard, '[]'));
  state := case
    when last_used > told_until - span then 'unmet'
    when silent is not null or unheard is not null or watched_since is null or watched_since > told_until - span then 'unknown'
    else 'met' end;
end
$$;
revoke execute on function rekey.key_disuse(uuid) from public;
