-- How many records per second a rotation may re-encrypt at most, over all workers (docs/adr/0061). Null: as many as they can.
alter table rekey.rotations
  add column items_per_second_max integer check (items_per_second_max between 1 and 10000000);

create function rekey.record_limit_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_limit_event after update on rekey.rotations
  deferrable initially deferred for each row
  when (old.items_per_second_max is distinct from new.items_per_second_max)
  execute function rekey.record_limit_event();
