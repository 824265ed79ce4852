import { Client } from 'pg';
import { benchTable, benchTarget } from '../rig/dataset.ts';
import type { Task } from './contender.ts';

/**
 * A connection to the copy with the table as an application without Rekey has it: neither fence nor label check. What
 * they cost, only we pay.
 */
export async function onBareTable<T>(
  { databaseUrl }: Task,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`alter table ${benchTable} disable trigger user`);
    await client.query(`alter table ${benchTable} drop constraint rekey_label_${benchTarget}`);
    return await work(client);
  } finally {
    await client.end();
  }
}
