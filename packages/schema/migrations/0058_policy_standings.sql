-- How each active DEK stands by its policy, as the last round saw it (docs/adr/0084): what rounds begin and tell of, and what is
-- listed and counted, is found here. A round finds all of it anew and writes what has changed.
create table rekey.policy_standings (
  dek_id uuid primary key,
  tenant_id uuid not null,
  level text not null check (level in ('fresh', 'due', 'overdue', 'orphaned')),
  due_at timestamptz,
  overdue_at timestamptz,
  tries integer not null,
  tried_at timestamptz,
  policy jsonb not null,
  policy_version text not null
);
create index policy_standings_by_level on rekey.policy_standings (level, tenant_id);
create index policy_standings_by_tenant on rekey.policy_standings (tenant_id);
