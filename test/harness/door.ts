import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { type Owner, thisFile } from './cleanup.ts';

/** An address behind which servers change, as a managed service has one: established connections stay where they are. */
export interface Door {
  readonly port: number;
  /** Connections so far. */
  readonly opened: () => number;
  leadTo(port: number): void;
}

/** `rewrite`: what becomes of the text that the server sends. */
export async function openDoor(
  to: number,
  { owner = thisFile, rewrite }: { owner?: Owner; rewrite?: (text: string) => string } = {},
): Promise<Door> {
  let target = to;
  let opened = 0;
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    opened += 1;
    const there = connect(target, '127.0.0.1');
    for (const socket of [from, there]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    from.on('close', () => there.destroy());
    there.on('close', () => from.destroy());
    from.pipe(there);
    if (rewrite === undefined) there.pipe(from);
    else there.pipe(rewriting(rewrite)).pipe(from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owner.after(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    opened: () => opened,
    leadTo(port) {
      target = port;
    },
  };
}

function rewriting(rewrite: (text: string) => string): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.from(rewrite(chunk.toString('latin1')), 'latin1'));
    },
  });
}
