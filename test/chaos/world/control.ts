import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type KmsMode = 'ok' | 'slow' | 'failing' | 'away';
export type Order = { readonly kms: { mode: KmsMode; ms: number } } | { readonly blockMs: number };

/** Gives orders to the workers that take them. */
export interface Control {
  readonly port: number;
  /** False when the worker of that name is not there at the moment. */
  tell(name: string, order: Order): boolean;
  /** The next report of that worker with this word in it; null after `ms`. */
  heard(name: string, word: string, ms: number): Promise<number | null>;
  close(): void;
}

export async function openControl(): Promise<Control> {
  const sockets = new Map<string, Socket>();
  const listeners = new Set<(name: string, report: Record<string, unknown>) => void>();
  const server = createServer((socket) => {
    let name = '';
    socket.on('error', () => {});
    // It repeats the socket's error, as when a worker is killed with a report on its way.
    const lines = createInterface({ input: socket }).on('error', () => {});
    lines.on('line', (line) => {
      // The parsed edge: the other end is faulty-worker-main.ts.
      const report = JSON.parse(line) as Record<string, unknown>;
      if (typeof report.name === 'string') {
        name = report.name;
        sockets.set(name, socket);
      }
      for (const listener of listeners) listener(name, report);
    });
    socket.on('close', () => {
      if (sockets.get(name) === socket) sockets.delete(name);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    tell(name, order) {
      const socket = sockets.get(name);
      socket?.write(`${JSON.stringify(order)}\n`);
      return socket !== undefined;
    },
    heard: (name, word, ms) =>
      new Promise((resolve) => {
        const done = (value: number | null): void => {
          clearTimeout(timer);
          listeners.delete(listener);
          resolve(value);
        };
        const listener = (from: string, report: Record<string, unknown>): void => {
          if (from === name && word in report) done(Number(report[word]));
        };
        const timer = setTimeout(done, ms, null);
        listeners.add(listener);
      }),
    close() {
      for (const socket of sockets.values()) socket.destroy();
      server.close();
    },
  };
}
