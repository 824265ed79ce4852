/**
 * What a status poll costs at least: Fastify that answers a fixed body, with `SNAPSHOT_KEY` what one GET in Redis yields, with
 * `HASHES` what one HGETALL does of the path's last part. Started by `series/status-polls.ts` and `series/spread-polls.ts`,
 * configured by environment.
 */
import { fastify } from 'fastify';
import { Redis } from 'ioredis';

const { PORT = '0', BODY = '{}', REDIS_URL = '', SNAPSHOT_KEY = '', HASHES = '' } = process.env;
const body: unknown = JSON.parse(BODY);
const app = fastify();
if (HASHES !== '') {
  const redis = new Redis(REDIS_URL);
  app.get('/*', async ({ url }, reply) => {
    const { body: held } = await redis.hgetall(`${HASHES}${url.slice(url.lastIndexOf('/') + 1)}`);
    return reply.type('application/json').send(held);
  });
} else if (SNAPSHOT_KEY === '') {
  app.get('/*', async () => body);
} else {
  const redis = new Redis(REDIS_URL);
  app.get('/*', async (_request, reply) =>
    reply.type('application/json').send(await redis.get(SNAPSHOT_KEY)),
  );
}
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
process.stdout.write('ready\n');
