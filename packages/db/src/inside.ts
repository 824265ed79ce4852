import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ClientBase, ClientConfig } from 'pg';

/** What node-postgres has and does not declare. The version is pinned, and a test fails when one of these is gone. */
interface Undeclared {
  connection: EventEmitter & { ssl: NonNullable<ClientConfig['ssl']>; stream: Socket };
  ssl: NonNullable<ClientConfig['ssl']>;
  processID: number | null;
  secretKey: number | null;
  getTransactionStatus(): 'I' | 'T' | 'E' | null;
  _getActiveQuery(): { readonly text?: string } | null;
}

/** Looks into a client as node-postgres made it. */
export function inside(client: ClientBase): Undeclared {
  return client as unknown as Undeclared; // declared above, by what the pinned version has
}

/** Cuts the connection when an answer is late: node-postgres would wait for it for ever. */
export async function within<T>(ms: number, client: ClientBase, answer: Promise<T>): Promise<T> {
  const timer = setTimeout(() => inside(client).connection.stream.destroy(new Error('timeout expired')), ms);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
