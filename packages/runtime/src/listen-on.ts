import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens; to close it ends its connections. */
export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port 0 takes any that is free */
export async function listenOn(server: Server, host: string, port: number): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: urlOf(server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function urlOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') return '';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
