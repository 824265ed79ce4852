import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createPgInspector, createRedisInspector, type Inspector } from './pg-inspector.ts';
import { type ArmedTripwire, arm, type Tripwire } from './tripwire.ts';

/**
 * - `pass`: as it should be
 * - `refuse`: new connections are closed at once
 * - `stall`: nothing is delivered until it passes again, and nothing is lost
 * - `half-open`: the server's end is gone, the client's hears nothing, new connections neither
 * - `black-hole`: both ends stay open and hear nothing, new connections neither
 */
export type LinkMode = 'pass' | 'refuse' | 'stall' | 'half-open' | 'black-hole';

/** Every TCP connection of one process to one server, in our hands. */
export interface Link {
  readonly name: string;
  readonly url: string;
  set(mode: LinkMode): void;
  /** How much longer every round trip takes. */
  setDelay(ms: number): void;
  /** Ends every connection at once; how many there were. */
  cut(): number;
  /** Until it went off, or is disarmed by the returned function. */
  arm(tripwire: Tripwire): () => void;
  /** Chunks that were held back, lost or delayed so far: by which a fault is seen to have happened. */
  harmed(): number;
  /** Connections that are open at the moment and not lost. */
  connections(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes on this pair were lost: neither end will ever hear of the other again. */
  dead: boolean;
}

/** How long the ends of a dead connection are left in ignorance; a TCP stack would take minutes. */
const lingerMs = 150_000;

export async function openLink(
  name: string,
  upstream: string,
  protocol: 'postgres' | 'redis',
): Promise<Link> {
  const target = new URL(upstream);
  const pairs = new Set<Pair>();
  let tripwires: ArmedTripwire[] = [];
  let mode: LinkMode = 'pass';
  let delayMs = 0;
  let harmedChunks = 0;

  const drop = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  };
  const silence = (pair: Pair): void => {
    pair.dead = true;
    if (mode === 'half-open') pair.server.destroy();
    setTimeout(() => drop(pair), lingerMs).unref();
  };

  /** Chunks of one direction, one after the other: looked at, delayed, sent. */
  const pump = (
    pair: Pair,
    from: Socket,
    to: Socket,
    look: (chunk: Buffer) => Promise<Buffer | null>,
    latency: () => number,
  ): void => {
    let chain = Promise.resolve();
    let dueMs = 0;
    const send = (bytes: Buffer): void => {
      if (bytes.length > 0 && !to.destroyed && !pair.dead) to.write(bytes);
    };
    from.on('data', (chunk: Buffer) => {
      if (pair.dead) {
        harmedChunks += 1;
        return;
      }
      if (mode === 'stall') harmedChunks += 1;
      chain = chain.then(async () => {
        const bytes = await look(chunk);
        if (bytes === null) return drop(pair);
        dueMs = Math.max(dueMs, performance.now() + latency());
        const waitMs = dueMs - performance.now();
        if (waitMs <= 0) return send(bytes);
        harmedChunks += 1;
        setTimeout(() => send(bytes), waitMs);
      });
    });
  };

  const listener = createServer((client) => {
    if (mode === 'refuse') {
      harmedChunks += 1;
      client.destroy();
      return;
    }
    const server = connect(Number(target.port), target.hostname);
    const pair: Pair = { client, server, dead: false };
    pairs.add(pair);
    const inspector: Inspector =
      protocol === 'postgres' ? createPgInspector(() => tripwires) : createRedisInspector(() => tripwires);
    for (const [socket, isServer] of [
      [client, false],
      [server, true],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        // A dead connection's other end is not told.
        if (!(pair.dead && isServer)) drop(pair);
      });
    }
    pump(
      pair,
      client,
      server,
      (chunk) =>
        inspector.toServer(chunk, (bytes) => {
          if (!pair.dead && bytes.length > 0) server.write(bytes);
        }),
      () => delayMs,
    );
    pump(
      pair,
      server,
      client,
      (chunk) => inspector.toClient(chunk),
      () => 0,
    );
    if (mode === 'half-open' || mode === 'black-hole') {
      harmedChunks += 1;
      silence(pair);
    }
    if (mode === 'stall') pauseAll([pair]);
  });
  listener.on('error', () => {});
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('a proxy has no port');
  const own = new URL(upstream);
  own.hostname = '127.0.0.1';
  own.port = String(address.port);

  return {
    name,
    url: own.href.replace(/\/$/, ''),
    set(next) {
      if (mode === 'stall' && next !== 'stall') resumeAll(pairs);
      mode = next;
      if (mode === 'stall') {
        harmedChunks += pairs.size;
        pauseAll(pairs);
      }
      if (mode === 'half-open' || mode === 'black-hole') for (const pair of pairs) silence(pair);
    },
    setDelay(ms) {
      delayMs = ms;
    },
    cut() {
      const cuts = pairs.size;
      for (const pair of [...pairs]) drop(pair);
      return cuts;
    },
    arm(tripwire) {
      const armed = arm(tripwire);
      tripwires = [...tripwires, armed];
      return () => {
        armed.disarm();
        tripwires = tripwires.filter((other) => other !== armed);
      };
    },
    harmed: () => harmedChunks,
    connections: () => [...pairs].filter(({ dead }) => !dead).length,
    async close() {
      for (const pair of [...pairs]) drop(pair);
      listener.close();
    },
  };
}

function pauseAll(pairs: Iterable<Pair>): void {
  for (const { client, server } of pairs) {
    client.pause();
    server.pause();
  }
}

function resumeAll(pairs: Iterable<Pair>): void {
  for (const { client, server } of pairs) {
    client.resume();
    server.resume();
  }
}
