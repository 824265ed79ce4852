import { connect, createServer, type Socket } from 'node:net';
import { type Owner, thisFile } from './cleanup.ts';

/** A wire to a server that a test can cut. */
export interface Wire {
  /** The server's URL with the wire's end as host and port. */
  readonly url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** Forwards TCP from a port of its own to the server that `url` names. */
export async function wireTo(url: string, owner: Owner = thisFile): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const listen = (on: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(on, '127.0.0.1', () => resolve());
    });
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  owner.after(cut);
  const wired = new URL(url);
  wired.hostname = '127.0.0.1';
  wired.port = String(address.port);
  return { url: wired.href, cut, mend: () => listen(address.port) };
}
