import type { Client } from 'pg';
import type { ConnectionBudget } from './connection-budget.ts';
import { inside } from './inside.ts';

/** A server that is there answers a goodbye at once; one that is not would keep the connection's place for minutes. */
const goodbyeMs = 2_000;

/** Cuts a connection that was told to end and is not closed soon. */
export function cutUnlessClosed(client: Client): void {
  const timer = setTimeout(() => inside(client).connection.stream.destroy(), goodbyeMs);
  timer.unref();
  client.once('end', () => clearTimeout(timer));
}

/** Does `work` on a connection that is made for it and closed afterwards, in the place that the budget has for such. */
export async function beside<T>(
  budget: ConnectionBudget,
  client: Client,
  work: () => Promise<T>,
): Promise<T> {
  const leave = await budget.look();
  client.on('error', () => {});
  try {
    await client.connect();
    return await work();
  } finally {
    cutUnlessClosed(client);
    // Not waited for here: its place is given back once the server has let go of it.
    void client
      .end()
      .catch(() => {})
      .then(leave);
  }
}
