import { isIP } from 'node:net';
import { connectionsMin, databaseUrlProblem } from '@rekey/db';
import { clusterProblems } from '@rekey/jobs';
import {
  DatabaseUrl,
  type Environment,
  type EnvRule,
  Host,
  type LogLevel,
  LogLevelName,
  MetricsVariables,
  Port,
  QueuePrefix,
  RedisUrl,
  readEnv,
} from '@rekey/runtime';
import Type, { type Static } from 'typebox';
import type { ApiSettings } from './app.ts';
import { AuthVariables, authRule, authSettingsFrom, authWarnings } from './auth-config.ts';
import { ConsoleVariables, consoleRule, consoleSettingsFrom } from './console/config.ts';

/** Calls per minute, of an address and of a caller; far above a client that polls in earnest, below one that runs away. */
const writesPerMinute = 12_000;
const readsPerMinute = 120_000;
const perMinuteMax = 100_000_000;
const rotationIntervalMax = 366 * 24 * 3_600;

const perMinute = (defaultValue: number) =>
  Type.Integer({
    minimum: 0,
    maximum: perMinuteMax,
    default: defaultValue,
    description: `a number of calls from 0 (no limit) to ${perMinuteMax}`,
  });

export const ApiVariables = Type.Object({
  HOST: Host,
  PORT: Type.Integer({ ...Port, default: 3000 }),
  DATABASE_URL: DatabaseUrl,
  DATABASE_CONNECTIONS_MAX: Type.Integer({
    minimum: connectionsMin,
    maximum: 1_000,
    default: 10,
    description: `a number from ${connectionsMin} to 1000`,
  }),
  REDIS_URL: RedisUrl,
  QUEUE_PREFIX: QueuePrefix,
  LOG_LEVEL: LogLevelName,
  ...MetricsVariables,
  RATE_LIMIT_PER_MINUTE: perMinute(writesPerMinute),
  RATE_LIMIT_READS_PER_MINUTE: perMinute(readsPerMinute),
  ROTATION_INTERVAL_MIN: Type.Integer({
    minimum: 0,
    maximum: rotationIntervalMax,
    default: 0,
    description: `a number of seconds from 0 (none) to ${rotationIntervalMax}`,
  }),
  TRUST_PROXY: Type.Refine(
    Type.String({
      maxLength: 1024,
      default: 'false',
      description: 'true, false, a number of hops, or addresses (CIDR) separated by commas',
    }),
    (text) => /^(true|false|[1-9][0-9]?)$/.test(text) || text.split(',').every(isNetwork),
  ),
  ...AuthVariables.properties,
  ...ConsoleVariables.properties,
});

export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  /** Connections to Postgres at any moment. */
  readonly connectionsMax: number;
  readonly redisUrl: string;
  readonly queuePrefix: string;
  readonly logLevel: LogLevel;
  /** Where metrics are served; null: nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly api: ApiSettings;
  /** What is allowed and should not be left so; no value is in it. */
  readonly warnings: readonly string[];
}

const databaseRule: EnvRule<Pick<Static<typeof ApiVariables>, 'DATABASE_URL'>> = {
  over: ['DATABASE_URL'],
  problems({ DATABASE_URL: text }) {
    const problem = databaseUrlProblem(text);
    return problem === null ? [] : [`DATABASE_URL ${problem}`];
  },
};

const clusterRule: EnvRule<Pick<Static<typeof ApiVariables>, 'REDIS_URL' | 'QUEUE_PREFIX'>> = {
  over: ['REDIS_URL', 'QUEUE_PREFIX'],
  problems: ({ REDIS_URL, QUEUE_PREFIX }) => clusterProblems(REDIS_URL, QUEUE_PREFIX),
};

/** Never where the public comes, whatever the addresses. */
const metricsRule: EnvRule<Pick<Static<typeof ApiVariables>, 'PORT' | 'METRICS_PORT'>> = {
  over: ['PORT', 'METRICS_PORT'],
  problems: ({ PORT, METRICS_PORT }) =>
    PORT !== 0 && PORT === METRICS_PORT
      ? ['METRICS_PORT must not be PORT: metrics have a port of their own']
      : [],
};

/** What the API process needs of its environment. Throws a ConfigError that lists every problem. */
export function readApiConfig(env: Environment): ApiConfig {
  const read = readEnv(ApiVariables, env, [databaseRule, authRule, clusterRule, metricsRule, consoleRule]);
  return {
    host: read.HOST,
    port: read.PORT,
    databaseUrl: read.DATABASE_URL,
    connectionsMax: read.DATABASE_CONNECTIONS_MAX,
    redisUrl: read.REDIS_URL,
    queuePrefix: read.QUEUE_PREFIX,
    logLevel: read.LOG_LEVEL,
    metrics: read.METRICS_PORT === undefined ? null : { host: read.METRICS_HOST, port: read.METRICS_PORT },
    api: {
      auth: authSettingsFrom(read),
      limits: {
        writesPerMinute: read.RATE_LIMIT_PER_MINUTE,
        readsPerMinute: read.RATE_LIMIT_READS_PER_MINUTE,
      },
      trustProxy: trustProxyFrom(read),
      rotationIntervalSeconds: read.ROTATION_INTERVAL_MIN,
      console: consoleSettingsFrom(read),
    },
    warnings: authWarnings(read),
  };
}

function trustProxyFrom({
  TRUST_PROXY: text,
}: Pick<Static<typeof ApiVariables>, 'TRUST_PROXY'>): ApiSettings['trustProxy'] {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^[0-9]+$/.test(text)) return (_address, hop) => hop < Number(text);
  return text.split(',').map((entry) => entry.trim());
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.trim().split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
