-- Campaigns: the same for many tenants, one after another (docs/adr/0075).
create table rekey.campaigns (
  id uuid primary key,
  action text not null check (action in ('rotate', 'rewrap')),
  -- Whom it was for when it began, as it was asked; of a list of ids how many.
  selector jsonb not null,
  -- Of a rewrap: the KEK that it brings DEKs under.
  kek_name text,
  kek_id text,
  ordering text not null check (ordering in ('smallest_first', 'largest_first', 'oldest_key_first', 'as_given')),
  canaries integer not null check (canaries between 0 and 1000),
  at_once_max integer not null check (at_once_max between 1 and 1000),
  per_hour_max integer check (per_hour_max >= 1),
  failures_max integer not null check (failures_max >= 1),
  calls_per_second_max integer,
  status text not null default 'in_progress'
    check (status in ('in_progress', 'paused', 'completed', 'completed_with_failures', 'cancelled')),
  -- Of a paused one: what stopped it by itself. Null: a person did.
  stopped_for text check (stopped_for in ('failures', 'canary')),
  -- Whoever resumes one that stopped has seen so many failures, or canaries that ended otherwise than well.
  failures_seen bigint not null default 0,
  canaries_seen boolean not null default false,
  tenants bigint not null,
  reason text,
  initiated_by jsonb not null,
  started_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz,
  caller text,
  idempotency_key text,
  body_hash bytea,
  check ((action = 'rewrap') = (kek_id is not null)),
  check ((completed_at is null) = (status in ('in_progress', 'paused'))),
  check (stopped_for is null or status = 'paused')
) with (fillfactor = 70);
create index campaigns_unfinished on rekey.campaigns (started_at) where status in ('in_progress', 'paused');
create index campaigns_by_start on rekey.campaigns (started_at, id);
create index campaigns_by_key on rekey.campaigns (caller, idempotency_key) where idempotency_key is not null;

-- Each of its tenants: chosen when it began, and what became of them.
create table rekey.campaign_members (
  campaign_id uuid not null references rekey.campaigns,
  -- In which order they are started.
  position integer not null,
  tenant_id uuid not null references rekey.tenants,
  -- Records, counted when the campaign began.
  items bigint not null,
  state text not null default 'waiting' check (state in
    ('waiting', 'running', 'completed', 'completed_with_failures', 'failed', 'cancelled', 'skipped')),
  canary boolean not null default false,
  -- The rotation or rewrap that was started for it, or was in the way.
  work_id uuid,
  -- Why it was skipped, or could not be started.
  reason text,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (campaign_id, position),
  unique (campaign_id, tenant_id),
  check ((state in ('waiting', 'running')) = (ended_at is null))
);
create index campaign_members_by_state on rekey.campaign_members (campaign_id, state, position);
create index campaign_members_running on rekey.campaign_members (campaign_id) where state = 'running';
create index campaign_members_by_start on rekey.campaign_members (campaign_id, started_at) where started_at is not null;

create function rekey.guard_campaign() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_campaign before update or delete on rekey.campaigns
  for each row execute function rekey.guard_campaign();
create trigger guard_campaign_truncate before truncate on rekey.campaigns
  for each statement execute function rekey.guard_campaign();
create function rekey.guard_campaign_member() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_campaign_member before update or delete on rekey.campaign_members
  for each row execute function rekey.guard_campaign_member();
create trigger guard_campaign_member_truncate before truncate on rekey.campaign_members
  for each statement execute function rekey.guard_campaign_member();
create function rekey.record_campaign_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert on rekey.campaigns
  deferrable initially deferred for each row execute function rekey.record_campaign_event();
create constraint trigger record_event_update after update on rekey.campaigns
  deferrable initially deferred for each row when (old.status <> new.status) execute function rekey.record_campaign_event();
