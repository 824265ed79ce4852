import { checkRedis, fitnessOf, openRedis, type RedisTrouble, troubleOf } from '@rekey/jobs';
import { ConfigError, type Logger, refuseToStart } from '@rekey/runtime';
import type { WorkerConfig } from './config.ts';

/** A Cluster that cannot be reached says nothing at all. */
const patienceMs = 3_000;

/** Refuses a Redis that can never do; one that is away, or a replica for the moment, is waited for. */
export async function usableRedis(
  { REDIS_URL: url }: WorkerConfig,
  keys: string,
  logger: Logger,
): Promise<void> {
  let trouble = await troubleWith(url, keys);
  // On a busy machine an answer may be late once, and a start that did not look refuses nothing.
  for (let again = 0; trouble?.code === 'SILENT' && again < 3; again += 1)
    trouble = await troubleWith(url, keys);
  if (trouble === null) return;
  if (trouble.lasting) refuseToStart(new ConfigError([`REDIS_URL: ${trouble.message}`]));
  const message =
    trouble.code === 'AWAY' ? 'redis is away: waiting for it' : 'redis does not do its part: waiting for it';
  logger.warn(message, { code: trouble.code, reason: trouble.message });
}

async function troubleWith(url: string, keys: string): Promise<RedisTrouble | null> {
  const client = openRedis(url, 'prompt', () => {});
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      setTimeout(() => reject(new Error('Redis is not connected')), patienceMs).unref();
    });
    const { trouble } = await fitnessOf(client);
    return trouble ?? (await checkRedis(client, { keys, takesJobs: true }));
  } catch (error) {
    return troubleOf(error);
  } finally {
    client.disconnect();
  }
}
