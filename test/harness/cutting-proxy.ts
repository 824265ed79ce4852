import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Owner, thisFile } from './cleanup.ts';

/**
 * What becomes of a connection that was used before, once there is a request on it again: as where a server or a load balancer
 * has given it up meanwhile.
 */
export type Reuse =
  /** RST. */
  | 'reset'
  /** Closed without an answer. */
  | 'ended'
  /** Cut behind the first lines of an answer. */
  | 'begun'
  /** Nothing comes back, as behind a firewall that has forgotten it. */
  | 'swallowed';

/** Stands before a server and lets connections go on, or not, when they are used again. */
export interface CuttingProxy {
  /** The same URI by this way. */
  by(uri: string): string;
  /** Of all connections that there are by now; what is made later goes on. */
  giveUp(how: Reuse): void;
  /** Whether the server is asked to close each connection behind its answer, and says that it does. */
  closes: boolean;
  /** Cuts those that are idle now from its side: what a server does after some time. */
  cutIdle(how: 'ended' | 'reset'): void;
  /** Connections that were made. */
  made: number;
}

/** As long as what it stands for. */
const closing = 'connection: close     ';
const beginning = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n';

export async function cuttingProxy(target: string, owner: Owner = thisFile): Promise<CuttingProxy> {
  const { port, host } = new URL(target);
  const idle = new Set<Socket>();
  /** What becomes of each; null: it goes on. */
  const all = new Map<Socket, Reuse | null>();
  const server = createServer((socket) => {
    proxy.made += 1;
    all.set(socket, null);
    const behind = connect(Number(port), '127.0.0.1');
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        all.delete(one);
        idle.delete(one);
        other.destroy();
      });
    }
    socket.on('data', (bytes) => {
      idle.delete(socket);
      const end = all.get(socket);
      if (end === 'reset') socket.resetAndDestroy();
      else if (end === 'ended') socket.destroy();
      else if (end === 'begun') socket.write(beginning, () => socket.destroy());
      if (end !== null) return;
      const asked = bytes.toString('latin1').replace(/connection: keep-alive/i, closing);
      behind.write(proxy.closes ? asked : bytes, 'latin1');
    });
    behind.on('data', (bytes) => {
      idle.add(socket);
      socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  owner.after(async () => {
    for (const socket of all.keys()) socket.destroy();
    server.close();
  });
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a TCP port
  const proxy: CuttingProxy = {
    by: (uri) => uri.replaceAll(host, at),
    giveUp(how) {
      for (const socket of all.keys()) all.set(socket, how);
    },
    closes: false,
    cutIdle(how) {
      for (const socket of idle) how === 'ended' ? socket.end() : socket.resetAndDestroy();
    },
    made: 0,
  };
  return proxy;
}
