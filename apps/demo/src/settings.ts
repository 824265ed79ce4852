import { type Environment, LogLevelName, Port, PostgresUrl, RedisUrl, readEnv } from '@rekey/runtime';
import Type, { type Static } from 'typebox';
import { recordsDefault } from './records.ts';

const recordsMax = 100_000_000;

const Shared = {
  DATABASE_URL: Type.Optional(PostgresUrl),
  REDIS_URL: Type.Optional(RedisUrl),
  DEMO_RECORDS: Type.Integer({
    minimum: 1,
    maximum: recordsMax,
    default: recordsDefault,
    description: `a number of records from 1 to ${recordsMax}`,
  }),
  // The processes' own lines are shown from this level on; what they do at info is on the screen anyhow.
  LOG_LEVEL: { ...LogLevelName, default: 'warn' },
};

const DemoVariables = Type.Object(Shared);
export type DemoSettings = Static<typeof DemoVariables>;

export const StartVariables = Type.Object({
  ...Shared,
  HOST: Type.String({
    pattern: '^[A-Za-z0-9.:_-]{1,253}$',
    default: '127.0.0.1',
    description: 'a host name or IP address',
  }),
  PORT: Type.Optional(Port),
  JWT_SECRET: Type.Optional(
    Type.Refine(
      Type.String({ maxLength: 4096, description: 'a secret of at least 32 bytes' }),
      (secret) => Buffer.byteLength(secret) >= 32,
    ),
  ),
  KEK_URI: Type.Optional(Type.String({ maxLength: 2_048, description: 'such as local:/etc/rekey/kek' })),
  QUEUE_PREFIX: Type.Optional(Type.String()),
});
export type StartSettings = Static<typeof StartVariables>;

/** Throws `ConfigError` with a line for every problem. */
export function readDemoSettings(env: Environment): DemoSettings {
  return readEnv(DemoVariables, env);
}

/** Throws `ConfigError` with a line for every problem. */
export function readStartSettings(env: Environment): StartSettings {
  return readEnv(StartVariables, env);
}

const passedOn = [
  'DATABASE_CONNECTIONS_MAX',
  'WORKER_CONCURRENCY',
  'BATCH_SIZE',
  'WORKER_STATEMENTS',
  'WORKER_NICENESS',
  'ITEMS_PER_SECOND_MAX',
  'OIDC_DEFAULT_REALM',
  'RATE_LIMIT_PER_MINUTE',
  'RATE_LIMIT_READS_PER_MINUTE',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** What the processes may be told besides what the stack tells them. */
export function passOn(env: Environment): Record<string, string> {
  const set = passedOn.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(set);
}
