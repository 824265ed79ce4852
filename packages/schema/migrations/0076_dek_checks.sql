-- By what a DEK is recognised once it was unwrapped: a one-way value of its bytes, its tenant and its id (docs/adr/0098).
-- Without a row: it was stored by a version before. rekey.guard_dek_check sees to it that it is of a DEK with material, so that no
-- foreign key has to lock a table that everybody works on.
create table rekey.dek_checks (
  dek_id uuid primary key,
  check_value bytea not null check (octet_length(check_value) = 32)
);
create function rekey.guard_dek_check() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_dek_check before insert or update or delete on rekey.dek_checks
  for each row execute function rekey.guard_dek_check();
create trigger guard_dek_check_truncate before truncate on rekey.dek_checks
  for each statement execute function rekey.guard_dek_check();
