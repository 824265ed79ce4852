-- KEKs by the names that the configuration of workers gives them (docs/adr/0065). Where a KEK is stands here nowhere.
create table rekey.keks (
  name text primary key check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  kek_id text not null unique check (length(kek_id) between 1 and 2048),
  registered_at timestamptz not null default clock_timestamp()
);

create function rekey.record_kek_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert or delete on rekey.keks
  deferrable initially deferred for each row execute function rekey.record_kek_event();
