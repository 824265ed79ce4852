-- What time stamp authorities signed of certificates (docs/adr/0081): a token of RFC 3161 over the signature of each, the first
-- that came.
create table rekey.certificate_stamps (
  kind text not null check (kind in ('rotation', 'rewrap', 'destruction')),
  -- The rotation, the rewrap, or the DEK that was destroyed.
  subject uuid not null,
  -- When a worker took it up last: another one leaves it alone meanwhile.
  asked_at timestamptz not null default clock_timestamp(),
  stamped_at timestamptz,
  token bytea check (octet_length(token) between 1 and 65536),
  primary key (kind, subject),
  check ((token is null) = (stamped_at is null))
);
create function rekey.guard_certificate_stamp() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_certificate_stamp before update or delete on rekey.certificate_stamps
  for each row execute function rekey.guard_certificate_stamp();
create trigger guard_certificate_stamp_truncate before truncate on rekey.certificate_stamps
  for each statement execute function rekey.guard_certificate_stamp();
