import { ConfigError } from './config-error.ts';

const causes: Readonly<Record<string, (host: string, port: number) => readonly ['host' | 'port', string]>> = {
  EADDRINUSE: (host, port) => ['port', `${port} is taken on ${host}`],
  EACCES: (_host, port) => [
    'port',
    `${port} is not open to this user: take one from 1024 on, or grant CAP_NET_BIND_SERVICE`,
  ],
  EADDRNOTAVAIL: (host) => ['host', `${host} is no address of this machine`],
  EAFNOSUPPORT: (host) => ['host', `${host} is of a kind that this machine does not have`],
  EINVAL: (host) => ['host', `${host} is no address to listen on`],
  ENOTFOUND: (host) => ['host', `${host} does not resolve`],
  EAI_AGAIN: (host) => ['host', `${host} does not resolve at the moment: the name server does not answer`],
  EAI_NONAME: (host) => ['host', `${host} does not resolve`],
};

/** What a process that cannot listen says, by the names of its variables; any other error as it is. */
export function explainListenError(
  error: unknown,
  {
    host,
    port,
    names,
  }: {
    readonly host: string;
    readonly port: number;
    readonly names: { readonly host: string; readonly port: string };
  },
): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = causes[code];
  if (cause === undefined) return error;
  const [which, what] = cause(host, port);
  return new ConfigError([`${names[which]}: ${what}`]);
}
