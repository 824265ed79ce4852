-- What witnesses signed of checkpoints (docs/adr/0080): a line of each, beside the note, which stays as it was signed.
create table rekey.checkpoint_cosignatures (
  tree_size bigint not null references rekey.log_checkpoints,
  -- The name of the witness's key.
  witness text not null,
  line text not null,
  taken_at timestamptz not null default clock_timestamp(),
  primary key (tree_size, witness)
);
create trigger guard_event before update or delete on rekey.checkpoint_cosignatures
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.checkpoint_cosignatures
  for each statement execute function rekey.guard_event();
