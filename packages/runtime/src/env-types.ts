import Type, { type TRefine, type TString } from 'typebox';

/** The levels of the log, as `LOG_LEVEL` names them. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A host name or address to listen on. */
export const Host = Type.String({
  pattern: '^[A-Za-z0-9.:_-]{1,253}$',
  default: '127.0.0.1',
  description: 'a host name or IP address',
});

/** A TCP port; 0 takes any that is free. */
export const Port = Type.Integer({
  minimum: 0,
  maximum: 65535,
  description: 'a port number from 0 to 65535',
});

/** Where metrics are served, on a port of their own; without a port they are not. */
export const MetricsVariables = {
  METRICS_HOST: Host,
  METRICS_PORT: Type.Optional(Port),
};

export const LogLevelName = Type.Enum(logLevels, {
  default: 'info',
  description: `one of ${logLevels.join(', ')}`,
});

/** Whatever `@rekey/db` reads as the way to a database: the configuration asks it, with a rule of its own. */
export const DatabaseUrl = Type.String({
  maxLength: 4096,
  description: 'a postgres://user:password@host:port/database URL',
});

/** The plain form of it, in which the name of the database can be exchanged. */
export const PostgresUrl = url(/^postgres(ql)?:$/, 'a postgres://user:password@host:port/database URL');

const credentials = '([^:@/\\s]*(:[^@/\\s]*)?@)?';
const node = '(\\[[0-9a-fA-F:]+\\]|[^:@/?#,\\[\\]\\s]+)(:[0-9]{1,5})?';

/** One Redis, the master that Sentinels name, or a Cluster; the forms that `@rekey/jobs` opens. */
export const RedisUrl = Type.String({
  pattern:
    `^(?!.*%(?![0-9a-fA-F]{2}))rediss?(://${credentials}${node}(/[0-9]*)?` +
    `|\\+sentinel://${credentials}${node}(,${node})*/[^/?#\\s]+(/[0-9]+)?` +
    `|\\+cluster://${credentials}${node}(,${node})*/?)$`,
  maxLength: 4096,
  description: 'a redis://, rediss://, redis+sentinel://hosts/master or redis+cluster://hosts URL',
});

/** The prefix of every key in Redis; braces keep a Cluster's keys in one slot. */
export const QueuePrefix = Type.String({
  pattern: '^[A-Za-z0-9{}_-]{1,64}$',
  default: '{rekey}',
  description: '1 to 64 letters, digits, braces, - or _',
});

/** A string that must parse as a URL of one of those schemes, with a host. */
export function url(protocol: RegExp, description: string): TRefine<TString> {
  return Type.Refine(Type.String({ maxLength: 4096, description }), (text) => {
    const parsed = URL.parse(text);
    return parsed !== null && protocol.test(parsed.protocol) && !/\s/.test(text);
  });
}
