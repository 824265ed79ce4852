import { type RedisTrouble, type RedisWatch, watchRedis } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

/** Watches what uses Redis, and says in the log what has kept it from working for ten seconds, and that it is over. */
export function tellOfRedis(
  logger: Logger,
  parts: ReadonlyArray<{ check(): Promise<RedisTrouble | null> }>,
): RedisWatch {
  return watchRedis({
    parts,
    onTrouble: (error, ms) =>
      logger.warn('Redis does not do its part: rotations stand still', {
        code: error.code,
        ms,
        reason: error.message,
      }),
    onOver: (error, ms) => logger.warn('Redis does its part again', { code: error.code, ms }),
  });
}
