-- rekey: outside a transaction
-- Which tenants had tries that came to nothing, or records left behind (rekey.policy_standing): found without reading all that
-- went well.
create index concurrently if not exists rotations_not_completed on rekey.rotations (tenant_id)
  where status in ('failed', 'cancelled', 'completed_with_failures');
