-- What rewraps and destructions came to, signed as rotations are (docs/adr/0079).
create table rekey.other_certificates (
  kind text not null check (kind in ('rewrap', 'destruction')),
  -- The rewrap, or the DEK that was destroyed.
  subject uuid not null,
  kid text not null references rekey.signing_keys,
  made_at timestamptz not null default clock_timestamp(),
  -- The same statement in both forms.
  dsse text not null,
  jws text not null,
  primary key (kind, subject)
);
create trigger guard_event before update or delete on rekey.other_certificates
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.other_certificates
  for each statement execute function rekey.guard_event();

-- How all conditions stood in the transaction that destroyed the DEK.
alter table rekey.key_destructions add column conditions jsonb;
