-- Rotations because of a compromised key (docs/adr/0067).
alter table rekey.rotations
  -- Comes before all that are not, and nothing holds it back.
  add column compromise boolean not null default false,
  -- Of the KEK that the new DEK is wrapped under; null: the one that wraps the tenant's.
  add column kek_id text check (length(kek_id) between 1 and 2048),
  -- The rotation that took the place of this one, in the transaction that cancelled it.
  add column superseded_by uuid references rekey.rotations deferrable initially deferred,
  -- A retry has no DEK of its own.
  add constraint rotations_retry_is_ordinary check (retry_of is null or not compromise and kek_id is null);
create index rotations_compromise on rekey.rotations (id) where compromise and status in ('in_progress', 'paused');

-- Since when which DEK is compromised. By no foreign key: that would take a lock that writers wait behind.
create table rekey.dek_compromises (
  dek_id uuid primary key,
  tenant_id uuid not null,
  declared_at timestamptz not null default clock_timestamp(),
  -- The rotation that it was declared by, or whose place that one took.
  rotation_id uuid
);
create index dek_compromises_by_tenant on rekey.dek_compromises (tenant_id);
