import { userInfo } from 'node:os';
import { parseKeywords } from './keyword-string.ts';
import { StoreError } from './store-error.ts';
import { type TlsMode, tlsModeOf } from './tls-mode.ts';
import { parseUri } from './uri-string.ts';
import { type Parameters, UrlProblem } from './url-problem.ts';

export interface Host {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where `DATABASE_URL` leads, and as whom. */
export interface DatabaseAddress {
  /** Tried in this order until one takes writes. */
  readonly hosts: readonly Host[];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsMode;
  /** Given to the server when the session starts, as libpq does. */
  readonly options: string | undefined;
  readonly applicationName: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly keepAliveIdleMs: number | undefined;
  /** Whether the server has to prove that nobody sits between (SCRAM-SHA-256-PLUS). */
  readonly channelBinding: 'prefer' | 'require' | 'disable';
}

/** By libpq's names. What is among them does here what libpq does with it; anything else is refused. */
const known = new Set([
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'options',
  'application_name',
  'fallback_application_name',
  'connect_timeout',
  'target_session_attrs',
  'client_encoding',
  'keepalives',
  'keepalives_idle',
  'channel_binding',
  'gssencmode',
  'load_balance_hosts',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslcrl',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
]);

/** Where one value is all that suits us: every session writes, and speaks UTF-8. */
const only: Readonly<Record<string, { readonly values: readonly string[]; readonly because: string }>> = {
  target_session_attrs: {
    values: ['any', 'read-write', 'primary'],
    because: 'Rekey needs the server that takes writes, and looks for it among the hosts whatever this says',
  },
  client_encoding: { values: ['auto', 'utf8', 'utf-8', 'unicode'], because: 'Rekey speaks UTF-8' },
  gssencmode: { values: ['disable', 'prefer'], because: 'GSSAPI encryption is not supported' },
  load_balance_hosts: { values: ['disable'], because: 'the hosts are tried in their order' },
  keepalives: { values: ['1'], because: 'a connection whose other end is gone would be waited for' },
};

const defaultPort = 5432;
const lengthMax = 4_096;

/** What is wrong with `text` as a `DATABASE_URL`: one line without any of its values, or null. */
export function databaseUrlProblem(text: string): string | null {
  try {
    readAddress(text);
    return null;
  } catch (error) {
    if (error instanceof UrlProblem) return error.message;
    throw error;
  }
}

/** Throws {@link StoreError} `UNFIT` for what is malformed, or would mean to libpq what cannot be done here. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  try {
    return readAddress(text);
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    throw new StoreError('UNFIT', `The database URL ${error.message}`);
  }
}

function readAddress(given: string): DatabaseAddress {
  // A newline at the end is what a secret read from a file has.
  const text = given.trim();
  if (text.length > lengthMax) throw new UrlProblem(`is longer than ${lengthMax} characters`);
  const isUri = /^postgres(ql)?:\/\//i.test(text);
  if (!isUri && !/^[a-z_]+\s*=/.test(text))
    throw new UrlProblem(
      'is neither a postgres://user:password@host:5432/database URL nor a "host=… dbname=…" string',
    );
  const parameters = isUri ? parseUri(text) : parseKeywords(text);
  check(parameters);

  const user = parameters.get('user') || systemUser();
  return {
    hosts: hostsOf(parameters.get('host') ?? '', parameters.get('port') ?? ''),
    user,
    password: parameters.get('password') || undefined,
    database: parameters.get('dbname') || user,
    tls: tlsModeOf(parameters),
    options: parameters.get('options') || undefined,
    applicationName: parameters.get('application_name') || parameters.get('fallback_application_name'),
    connectTimeoutMs: secondsOf(parameters, 'connect_timeout'),
    keepAliveIdleMs: secondsOf(parameters, 'keepalives_idle'),
    channelBinding: channelBindingOf(parameters.get('channel_binding')),
  };
}

function check(parameters: Parameters): void {
  for (const [name, value] of parameters) {
    if (!known.has(name)) {
      const shown = /^[a-z_]{1,40}$/i.test(name) ? `"${name}"` : 'a parameter';
      throw new UrlProblem(`has ${shown}, which is not supported`);
    }
    const rule = only[name];
    if (rule !== undefined && value !== '' && !rule.values.includes(value.toLowerCase()))
      throw new UrlProblem(`has another ${name} than ${rule.values.join(', ')}: ${rule.because}`);
    if (value.includes('\0')) throw new UrlProblem('has a zero byte in it');
  }
}

function hostsOf(hosts: string, ports: string): Host[] {
  if (hosts === '')
    throw new UrlProblem('names no host (for a Unix socket: ?host=/var/run/postgresql, or wherever it is)');
  const names = hosts.split(',');
  const numbers = ports.split(',');
  if (numbers.length > 1 && numbers.length !== names.length)
    throw new UrlProblem(`has ${names.length} hosts and ${numbers.length} ports`);
  return names.map((host, at) => {
    if (host === '') throw new UrlProblem('has an empty name among its hosts');
    if (host.includes('@'))
      throw new UrlProblem('has an @ in its user, password or host: in the first two it is written as %40');
    if (!host.startsWith('/') && !/^[A-Za-z0-9._:%-]{1,255}$/.test(host))
      throw new UrlProblem('has a host that can be no name or address');
    return { host, port: portOf((numbers.length > 1 ? numbers[at] : numbers[0]) ?? '') };
  });
}

function portOf(text: string): number {
  if (text === '') return defaultPort;
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new UrlProblem('has a port that is no number from 1 to 65535 (a / or : in a password: %2F, %3A)');
  return port;
}

function secondsOf(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[0-9]{1,6}$/.test(text)) throw new UrlProblem(`has a ${name} that is no number of seconds`);
  return Number(text) === 0 ? undefined : Number(text) * 1_000;
}

function channelBindingOf(text: string | undefined): DatabaseAddress['channelBinding'] {
  if (text === undefined || text === '') return 'prefer';
  if (text === 'prefer' || text === 'require' || text === 'disable') return text;
  throw new UrlProblem('has another channel_binding than disable, prefer, require');
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UrlProblem('names no user, and the system has no name for the one that this runs as');
  }
}
