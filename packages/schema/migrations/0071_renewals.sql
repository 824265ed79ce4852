-- Rewraps that policies ask for (docs/adr/0090).
alter table rekey.rewraps
  -- Also of DEKs that are under that KEK already and were wrapped before then; null: only of those that are under another one.
  add column wrapped_before timestamptz,
  -- The policy that asked for it, as in rekey.rotations; null: somebody called for it.
  add column policy_version text check (policy_version ~ '^[0-9]{1,10}\.[0-9]{1,10}$');

-- How old the wrapping of each tenant's DEKs is by its policy, as the last round saw it: where a policy says how old it gets.
create table rekey.policy_renewals (
  tenant_id uuid primary key,
  level text not null check (level in ('fresh', 'due', 'overdue', 'orphaned')),
  -- The one that was wrapped the longest ago.
  dek_id uuid not null,
  wrapped_at timestamptz not null,
  due_at timestamptz not null,
  overdue_at timestamptz not null,
  tries integer not null,
  tried_at timestamptz,
  -- What they come under; null: the policy names none that there is.
  kek_name text,
  kek_id text,
  windows jsonb,
  policy_version text not null,
  -- What somebody was told of that wrapping.
  told text check (told in ('overdue', 'orphaned'))
) with (fillfactor = 70);
