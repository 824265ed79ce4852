-- Every event is written to the log of a process, whoever caused it (docs/adr/0053): what none has written yet stands here.
-- A row for each, and no position that somebody has come to: transactions commit in another order than they begin, and
-- what commits late must not be passed over.
create table rekey.event_outbox (
  chain uuid not null,
  sequence bigint not null,
  primary key (chain, sequence)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Which process writes them, and for how long it may be silent until another one does.
create table rekey.event_reader (
  one boolean primary key default true check (one),
  owner uuid,
  owned_until timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into rekey.event_reader default values;

create function rekey.record_setting_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert or update or delete on rekey.settings
  deferrable initially deferred for each row execute function rekey.record_setting_event();
