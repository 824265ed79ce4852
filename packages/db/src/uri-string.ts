import { type Parameters, UrlProblem } from './url-problem.ts';

/**
 * `postgres://user:password@host:port,host:port/database?name=value`, read as libpq reads it: what is not one of the
 * separators stands for itself (a # in a password, say), and % begins two hexadecimal digits.
 */
export function parseUri(text: string): Parameters {
  const rest = text.slice(text.indexOf('://') + 3);
  if (/\s/.test(rest)) throw new UrlProblem('has a space in it: it is written as %20');
  const parameters: Parameters = new Map();
  const set = (name: string, raw: string): void => {
    if (raw !== '') parameters.set(name, decode(raw));
  };

  const at = rest.search(/[@/]/);
  const named = at !== -1 && rest[at] === '@';
  if (named) {
    const [user = '', ...password] = rest.slice(0, at).split(':');
    set('user', user);
    set('password', password.join(':'));
  }
  const [, places = '', path = '', query = ''] =
    /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(named ? rest.slice(at + 1) : rest) ?? [];
  const hosts = places.split(',').map(placeOf);
  set('host', hosts.map(({ host }) => host).join(','));
  if (hosts.some(({ port }) => port !== '')) set('port', hosts.map(({ port }) => port).join(','));
  set('dbname', path);
  if (query !== '') for (const pair of query.split('&')) addPair(parameters, pair);
  return parameters;
}

function placeOf(text: string): { host: string; port: string } {
  if (text.startsWith('[')) {
    const [, host = '', port = ''] = /^\[([0-9a-fA-F:.]+(?:%25[\w.-]+)?)\](?::(.*))?$/.exec(text) ?? [];
    if (host === '') throw new UrlProblem('has a [ without an IPv6 address and a ] behind it');
    return { host, port };
  }
  const colon = text.indexOf(':');
  return colon === -1
    ? { host: text, port: '' }
    : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function addPair(parameters: Parameters, pair: string): void {
  const [rawName = '', ...rawValue] = pair.split('=');
  if (rawValue.length === 0) throw new UrlProblem('has a parameter without a value behind its ?');
  if (rawValue.length > 1) throw new UrlProblem('has a parameter with a second = (in a value it is %3D)');
  const name = decode(rawName);
  const value = decode(rawValue[0] ?? '');
  // As JDBC has it, and libpq for its sake.
  if (name === 'ssl' && value === 'true') parameters.set('sslmode', 'require');
  else parameters.set(name, value);
}

function decode(text: string): string {
  if (/%(?![0-9a-fA-F]{2})/.test(text))
    throw new UrlProblem('has a % that two hexadecimal digits do not follow: it is written as %25');
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UrlProblem('has percent-encoded bytes that are no UTF-8');
  }
}
