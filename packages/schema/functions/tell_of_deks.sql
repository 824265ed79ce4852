-- Tells whoever listens that something became of a DEK of this tenant: a hint, by which vaults fetch it ahead, or let go of it.
-- Where the queue of notifications is nearly full, as behind a transaction that a stranger who listens keeps open, nobody is
-- told: whoever notified then would be refused as it commits, and nothing could be activated for as long as that lasts.
create or replace function rekey.tell_of_deks(tenant uuid) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_notification_queue_usage() < 0.9 then
    perform pg_notify('rekey_deks', tenant::text);
  end if;
end
$$;
revoke execute on function rekey.tell_of_deks(uuid) from public;
