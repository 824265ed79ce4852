import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { spoilsConnection } from './redis-trouble.ts';

/** A connection to a single Redis, to the master that Sentinels name, or to a Cluster. */
export type RedisClient = Redis | Cluster;

/**
 * - `prompt`: fails at once while Redis is away, so that an HTTP call never hangs on it.
 * - `patient`: waits for Redis for ever, as BullMQ's workers need it.
 */
export type Temper = 'prompt' | 'patient';

/** `replyMapping` as ioredis types it does not go with exactOptionalPropertyTypes. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** Redis is looked for again at most this far apart, however long it was away. */
const reconnectMaxMs = 1_000;

/** A connection that was refused is thrown away at most this often. */
const replacedEveryMs = 1_000;
const replacedAt = new WeakMap<object, number>();

/** ioredis calls this as a method of a connection's options, of which every connection has its own. */
function replaceSpoilt(this: object, error: Error): boolean {
  const now = performance.now();
  if (!spoilsConnection(error) || now - (replacedAt.get(this) ?? -replacedEveryMs) < replacedEveryMs)
    return false;
  replacedAt.set(this, now);
  return true;
}

const shared: Options = {
  connectTimeout: 2_000,
  // Behind one name a demoted server keeps its connections, and answers PING on them for ever.
  reconnectOnError: replaceSpoilt,
  retryStrategy: (attempt) => Math.min(attempt * 50, reconnectMaxMs),
};

const tempers: Record<Temper, Options> = {
  prompt: {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 300,
    socketTimeout: 5_000,
  },
  // A half-open connection would hang a worker for ever; a blocking read lasts 5 s at most, so this means death.
  patient: { ...shared, maxRetriesPerRequest: null, socketTimeout: 15_000 },
};

/**
 * Opens a connection described by a URL:
 * - `redis://[user:password@]host[:port][/db]`, `rediss://…` with TLS;
 * - `redis+sentinel://[user:password@]host[:port],host[:port]…/master[/db]`;
 * - `redis+cluster://[user:password@]host[:port],host[:port]…`; both also as `rediss+…` with TLS.
 *
 * Throws `TypeError` for anything else, without repeating the URL: it holds a password.
 */
export function openRedis(
  url: string,
  temper: Temper,
  onError: (error: Error) => void,
  { hidesVersion = false }: { readonly hidesVersion?: boolean } = {},
): RedisClient {
  const address = parseRedisUrl(url);
  const options: Options & { skipVersionCheck?: true } = {
    ...tempers[temper],
    ...address.credentials,
    ...(address.tls ? { tls: {} } : {}),
    // BullMQ looks for it here; else it refuses a server that may not be asked for its version.
    ...(hidesVersion ? { skipVersionCheck: true, enableReadyCheck: false } : {}),
  };
  const client = connect(address, options);
  client.on('error', (error: Error) => {
    lastErrors.set(client, error);
    onError(error);
  });
  client.on('ready', () => lastErrors.delete(client));
  return client;
}

/** Why a connection is not ready, by what it said last: a command on it tells only that there is none. */
export function lastErrorOf(client: RedisClient): Error | undefined {
  return lastErrors.get(client);
}

const lastErrors = new WeakMap<RedisClient, Error>();

function connect(address: RedisAddress, options: Options): RedisClient {
  const [first] = address.nodes;
  switch (address.kind) {
    case 'single':
      return new Redis({ ...options, ...first, db: address.db });
    case 'sentinel':
      return new Redis({
        ...options,
        sentinels: address.nodes,
        name: address.master,
        db: address.db,
        sentinelRetryStrategy: (attempt: number) => Math.min(attempt * 50, reconnectMaxMs),
      });
    case 'cluster':
      return new Cluster(address.nodes, {
        redisOptions: options,
        enableOfflineQueue: options.enableOfflineQueue ?? true,
        clusterRetryStrategy: (attempt) => Math.min(attempt * 50, reconnectMaxMs),
      });
  }
}

interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly credentials: { username?: string; password?: string };
  readonly nodes: Array<{ host: string; port: number }>;
  readonly master: string;
  readonly db: number;
}

const form =
  /^redis(?<tls>s)?(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<nodes>[^/@?#]+)(?:\/(?<path>[^?#]*))?$/;

/** The parts of a Redis URL, user and password percent-decoded. Exported for its test. */
export function parseRedisUrl(url: string): RedisAddress {
  const groups = form.exec(url)?.groups;
  if (groups === undefined) throw new TypeError('not a Redis URL: redis://[user:password@]host[:port][/db]');
  const kind = groups.kind === 'sentinel' || groups.kind === 'cluster' ? groups.kind : 'single';
  const nodes = (groups.nodes ?? '')
    .split(',')
    .map((node) => parseNode(node, kind === 'sentinel' ? 26_379 : 6_379));
  if (kind === 'single' && nodes.length > 1)
    throw new TypeError('redis:// takes one host: see redis+cluster://');
  const path = (groups.path ?? '').split('/').filter((part) => part !== '');
  const master = kind === 'sentinel' ? path.shift() : '';
  if (master === undefined) throw new TypeError("redis+sentinel:// needs the master's name as its path");
  const db = Number(path.shift() ?? '0');
  if (!Number.isInteger(db) || db < 0 || path.length > 0)
    throw new TypeError('the path of a Redis URL is a number');
  return {
    kind,
    tls: groups.tls !== undefined,
    credentials: {
      ...(groups.user === undefined || groups.user === ''
        ? {}
        : { username: decodeURIComponent(groups.user) }),
      ...(groups.password === undefined ? {} : { password: decodeURIComponent(groups.password) }),
    },
    nodes,
    master,
    db,
  };
}

function parseNode(text: string, defaultPort: number): { host: string; port: number } {
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined) throw new TypeError('a Redis URL names hosts as host[:port]');
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? defaultPort : Number(port) };
}
