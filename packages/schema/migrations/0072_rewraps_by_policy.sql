-- rekey: outside a transaction
-- Tries of policies that came to nothing (rekey.renewal_standing).
create index concurrently if not exists rewraps_by_policy on rekey.rewraps (tenant_id, started_at) where policy_version is not null;
