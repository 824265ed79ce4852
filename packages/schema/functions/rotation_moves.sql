-- What may become of a rotation: in which status and phases which event leads where (to_phase null: it stays). What is not
-- named here is refused by rekey.guard_rotation, whoever does it. packages/control/src/transitions/states.ts holds the same.
create or replace function rekey.rotation_moves()
returns table (event text, from_status text, from_phases text[], to_status text, to_phase text)
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  values
    ('take_up', 'in_progress', '{queued}'::text[], 'in_progress', 'activating'),
    ('switch', 'in_progress', '{activating}', 'in_progress', null),
    ('plan', 'in_progress', '{activating}', 'in_progress', 'sweeping'),
    ('verify', 'in_progress', '{sweeping}', 'in_progress', 'verifying'),
    ('complete', 'in_progress', '{sweeping,verifying}', 'completed', 'done'),
    ('complete', 'in_progress', '{sweeping,verifying}', 'completed_with_failures', 'done'),
    ('fail', 'in_progress', '{queued,activating,sweeping,verifying}', 'failed', 'done'),
    ('cancel', 'in_progress', '{queued,activating,sweeping,verifying}', 'cancelled', 'done'),
    ('cancel', 'paused', '{queued,activating,sweeping,verifying}', 'cancelled', 'done'),
    ('pause', 'in_progress', '{queued,activating,sweeping,verifying}', 'paused', null),
    ('resume', 'paused', '{queued,activating,sweeping,verifying}', 'in_progress', null)
$$;
revoke execute on function rekey.rotation_moves() from public;
