-- What the summary says of all tenants is kept (docs/adr/0107): how many rotations ended how, in which hour (by UTC) how many of the DEKs
-- that are active became so, and which rotations ended so that a person is needed. What changes of the first two is appended by the
-- triggers that record events, and folded by a worker (rekey.keep_summary). Nothing here is proof of anything; it is counted anew now and then.
create table rekey.summary_counts (
  what text not null,
  -- Of DEKs; of rotations '-infinity'.
  hour timestamptz not null,
  counted bigint not null,
  primary key (what, hour)
) with (fillfactor = 50);

create table rekey.summary_deltas (what text not null, hour timestamptz not null, delta integer not null);
-- It has no key, and what is folded is deleted: refused otherwise where the database is published.
alter table rekey.summary_deltas replica identity full;

create table rekey.rotation_needs (
  rotation_id uuid primary key,
  tenant_id uuid not null,
  reason text not null,
  started_at timestamptz not null,
  since timestamptz not null
);
create index rotation_needs_by_tenant on rekey.rotation_needs (tenant_id);

create table rekey.summary_state (
  only_one boolean primary key default true check (only_one),
  -- Transactions that are older may have changed something without saying so: functions were those of the version before.
  heard_since xid8,
  -- Counted when all of these had ended. Null: what is kept may lack something, and nobody is told of it.
  settled_at timestamptz,
  counted_at timestamptz
);
insert into rekey.summary_state default values;
