-- Calls that declare a KEK compromised: repeated by a key, and forced past processes that lack the other KEK (docs/adr/0093).
alter table rekey.kek_compromises
  -- Processes that had not proved the other KEK were passed over, and are by its rotations.
  add column forced boolean not null default false,
  add column caller text,
  add column idempotency_key text,
  add column body_hash bytea;
create index kek_compromises_by_key on rekey.kek_compromises (caller, idempotency_key) where idempotency_key is not null;
