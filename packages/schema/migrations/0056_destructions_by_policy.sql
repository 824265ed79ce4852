-- Of DEKs that are to be destroyed by their policy: when that was last tried, and whether it was asked for (docs/adr/0073).
create table rekey.policy_destructions (
  dek_id uuid primary key references rekey.deks,
  tried_at timestamptz not null,
  -- Once it was, it is not asked for again: whoever cancelled it meant it.
  asked boolean not null
);
