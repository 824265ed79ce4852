-- What the summary counts is found by indexes (rekey.summary). Not concurrently, which would wait for every transaction that is
-- open: whoever starts or leads on a rotation waits for this, a second for a million of them.
create index rotations_by_tenant on rekey.rotations (tenant_id, status, started_at);
create index rotations_in_need on rekey.rotations (started_at, id)
  where status in ('in_progress', 'paused', 'failed', 'completed_with_failures');
