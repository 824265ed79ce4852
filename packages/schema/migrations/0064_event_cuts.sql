-- Where events were cut off (docs/adr/0082): those under a checkpoint that is kept, and older than they are to be kept. Their
-- leaves stay in the log.
create table rekey.event_cuts (
  tree_size bigint primary key references rekey.log_checkpoints,
  cut_at timestamptz not null default clock_timestamp(),
  -- For how long events were kept.
  years integer not null,
  -- The events of leaves before it are gone; it grows up to the size.
  cut_to bigint not null default 0
);

create function rekey.guard_event_cut() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_event_cut before insert or update or delete on rekey.event_cuts
  for each row execute function rekey.guard_event_cut();
create trigger guard_event_cut_truncate before truncate on rekey.event_cuts
  for each statement execute function rekey.guard_event_cut();
create function rekey.record_cut_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert on rekey.event_cuts
  deferrable initially deferred for each row execute function rekey.record_cut_event();
