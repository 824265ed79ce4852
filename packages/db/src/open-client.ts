import type { Client } from 'pg';
import { unlimitedConnections } from './connection-budget.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { promptConnectMs } from './open-store.ts';
import { storeClientClass } from './store-client.ts';
import type { StoreOptions } from './store-options.ts';

/** One connection with a prepared session, for what takes its time. Whoever opened it calls `end()`. */
export async function openClient({
  url,
  applicationName = 'rekey',
  session = {},
  connectTimeoutMs = promptConnectMs,
}: Pick<StoreOptions, 'url' | 'applicationName' | 'session' | 'connectTimeoutMs'>): Promise<Client> {
  const address = parseDatabaseUrl(url);
  const settings = {
    address,
    applicationName,
    session,
    connectTimeoutMs,
    transactionPooler: 'refuse',
    budget: unlimitedConnections(),
  } as const;
  const client = new (storeClientClass(settings))();
  client.on('error', () => {});
  return client.connect();
}
