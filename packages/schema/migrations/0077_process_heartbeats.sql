-- When a process last said that it is there, which it does more often than it tells what it uses. Null: of a version before,
-- which tells the latter alone (docs/adr/0099).
alter table rekey.processes add column beat_at timestamptz;
