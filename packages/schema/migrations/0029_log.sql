-- One Merkle log (RFC 9162) over the events of all chains (docs/adr/0051), so that what is held outside of this database, a
-- line of 32 bytes, covers all of them.
create table rekey.log_size (
  one boolean primary key default true check (one),
  size bigint not null default 0 check (size >= 0)
);
insert into rekey.log_size default values;

create table rekey.log_leaves (
  index bigint primary key check (index >= 0),
  -- Null: not an event but the heads of all chains as they then stood in the log. Sequence is how many those are, and content
  -- the root of the tree over them.
  chain uuid,
  sequence bigint not null,
  -- The event's hash.
  content bytea not null check (octet_length(content) = 32)
);
create unique index log_leaves_by_event on rekey.log_leaves (chain, sequence) where chain is not null;

-- Of complete subtrees, those of 2^8, 2^16 … leaves: proofs read few rows, however large the log is.
create table rekey.log_nodes (
  level smallint,
  index bigint,
  hash bytea not null check (octet_length(hash) = 32),
  primary key (level, index)
);

-- How far each chain is in the log.
create table rekey.log_heads (
  chain uuid primary key,
  sequence bigint not null,
  content bytea not null check (octet_length(content) = 32)
) with (fillfactor = 50);

create table rekey.log_checkpoints (
  tree_size bigint primary key,
  kid text not null references rekey.signing_keys,
  made_at timestamptz not null default clock_timestamp(),
  -- C2SP's tlog-checkpoint, as it was signed.
  note text not null
);

create trigger guard_event before update or delete on rekey.log_leaves
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.log_leaves
  for each statement execute function rekey.guard_event();
create trigger guard_event before update or delete on rekey.log_nodes
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.log_nodes
  for each statement execute function rekey.guard_event();
create trigger guard_event before update or delete on rekey.log_checkpoints
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.log_checkpoints
  for each statement execute function rekey.guard_event();
