import { type Server, startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';

/** A Redis that can be killed and comes back at the same place, empty. */
export interface FragileRedis {
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  comeBack(): Promise<void>;
  /** On a connection of our own, past every proxy. */
  command(...words: [string, ...string[]]): Promise<unknown>;
  stop(): Promise<void>;
}

export async function openRedisServer(): Promise<FragileRedis> {
  let server: Server = await startRedis();
  const { url } = server;
  return {
    url,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
    },
    async comeBack() {
      server = await startRedis({ at: url });
    },
    async command(...[name, ...values]) {
      const client = new Redis(url, {
        lazyConnect: true,
        maxRetriesPerRequest: 1,
        retryStrategy: () => null,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        return await client.call(name, ...values);
      } finally {
        client.disconnect();
      }
    },
    stop: () => server.stop(),
  };
}
