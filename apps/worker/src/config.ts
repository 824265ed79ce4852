import { availableParallelism } from 'node:os';
import {
  type Environment,
  Host,
  LogLevelName,
  PostgresUrl,
  QueuePrefix,
  RedisUrl,
  readEnv,
} from '@rekey/runtime';
import Type, { type Static } from 'typebox';

const WorkerEnv = Type.Object({
  DATABASE_URL: PostgresUrl,
  REDIS_URL: RedisUrl,
  KEK_URI: Type.String({
    pattern: '^[a-z][a-z0-9+-]*:.+$',
    maxLength: 2_048,
    description: 'where the key encryption key lives, e.g. local:/etc/rekey/kek',
  }),
  /** Ranges swept at the same time by this process. */
  WORKER_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: Math.min(8, Math.max(2, availableParallelism())),
    description: 'a number from 1 to 64',
  }),
  /** Records per committed batch; chosen from what batches take when absent. */
  BATCH_SIZE: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 5_000, description: 'a number from 1 to 5000' }),
  ),
  QUEUE_PREFIX: QueuePrefix,
  LOG_LEVEL: LogLevelName,
  HEALTH_HOST: Host,
  HEALTH_PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 0,
    description: 'a port number from 0 to 65535',
  }),
});

export type WorkerConfig = Static<typeof WorkerEnv>;

/** Throws `ConfigError` with a line for every problem. */
export function readWorkerConfig(env: Environment): WorkerConfig {
  return readEnv(WorkerEnv, env);
}
