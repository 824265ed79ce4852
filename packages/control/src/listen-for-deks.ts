import type { Store } from '@rekey/db';
import type { PoolClient } from 'pg';

const reconnectMs = 1_000;

/**
 * Calls `onTenant` with a tenant's id when a DEK of it was stored that is about to become active, or was destroyed.
 * Takes one connection of the pool, and another when that one dies; what happens in between is missed, so `onListening`
 * is called each time that it listens. Returns how to stop.
 */
export function listenForDeks(
  store: Store,
  { onTenant, onListening }: { onTenant: (tenantId: string) => void; onListening: () => void },
): () => void {
  let stopped = false;
  let client: PoolClient | undefined;
  let timer: NodeJS.Timeout | undefined;

  const retry = (): void => {
    if (stopped) return;
    clearTimeout(timer); // a connection that dies while it begins to listen says so twice
    timer = setTimeout(() => void listen(), reconnectMs);
    timer.unref();
  };
  const listen = async (): Promise<void> => {
    try {
      const connected = await store.connect();
      if (stopped) return connected.release(true);
      client = connected;
      const onDeath = (): void => {
        if (client !== connected) return;
        client = undefined;
        connected.release(true);
        retry();
      };
      // A connection may also end without an error; one that is released by us is not ours any more when it does.
      connected.on('error', onDeath);
      connected.on('end', onDeath);
      connected.on('notification', ({ payload }) => {
        if (payload !== undefined) onTenant(payload);
      });
      await connected.query('listen rekey_deks');
      onListening();
    } catch {
      client?.release(true);
      client = undefined;
      retry();
    }
  };
  void listen();
  return () => {
    stopped = true;
    clearTimeout(timer);
    client?.release(true);
    client = undefined;
  };
}
