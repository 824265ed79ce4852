import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { type Parameters, UrlProblem } from './url-problem.ts';

/** How a connection is kept private: what is tried, one after the other. `false` is a connection without TLS. */
export interface TlsMode {
  readonly attempts: ReadonlyArray<ConnectionOptions | false>;
  /** TLS begins at once, without asking for it in Postgres' own words first. */
  readonly direct: boolean;
}

const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;
type Mode = (typeof modes)[number];

/**
 * As libpq means them. `prefer` is the default: with TLS where the server has it, without proof of who it is.
 * `require` proves it only when `sslrootcert` says against what. `no-verify` is node-postgres' word for `require`.
 */
export function tlsModeOf(parameters: Parameters): TlsMode {
  const mode = modeOf(parameters.get('sslmode'));
  const direct = parameters.get('sslnegotiation') === 'direct';
  if (!direct && !['postgres', '', undefined].includes(parameters.get('sslnegotiation')))
    throw new UrlProblem('has another sslnegotiation than postgres, direct');
  if (direct && (mode === 'prefer' || mode === 'disable'))
    throw new UrlProblem('has sslnegotiation=direct, which needs sslmode=require or stricter');
  if (mode === 'disable') return { attempts: [false], direct };
  const options = optionsOf(parameters, mode);
  return { attempts: mode === 'prefer' ? [options, false] : [options], direct };
}

function modeOf(text: string | undefined): Mode {
  const mode = modes.find((known) => known === (text || 'prefer'));
  if (mode === undefined) throw new UrlProblem(`has another sslmode than ${modes.join(', ')}`);
  return mode;
}

function optionsOf(parameters: Parameters, mode: Mode): ConnectionOptions {
  const root = parameters.get('sslrootcert') ?? '';
  const systemRoots = root === 'system' || (root === '' && mode === 'verify-full');
  if (root === 'system' && mode !== 'verify-full')
    throw new UrlProblem('has sslrootcert=system, which needs sslmode=verify-full');
  if (root === '' && mode === 'verify-ca')
    throw new UrlProblem('has sslmode=verify-ca, which needs the sslrootcert to verify against');
  const verifies = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && root !== '');
  const key = fileOf(parameters, 'sslkey');
  const certificate = fileOf(parameters, 'sslcert');
  if ((key === undefined) !== (certificate === undefined))
    throw new UrlProblem('has one of sslcert and sslkey without the other');
  return {
    rejectUnauthorized: verifies,
    ...(verifies && !systemRoots ? { ca: fileOf(parameters, 'sslrootcert') } : {}),
    ...(verifies && mode !== 'verify-full' ? { checkServerIdentity: () => undefined } : {}),
    ...(key === undefined ? {} : { key, cert: certificate }),
    ...(parameters.get('sslpassword') ? { passphrase: parameters.get('sslpassword') } : {}),
    ...(parameters.get('sslcrl') ? { crl: fileOf(parameters, 'sslcrl') } : {}),
    ...versionsOf(parameters),
  };
}

/** The text of a PEM file that a parameter names. */
function fileOf(parameters: Parameters, name: string): string | undefined {
  const path = parameters.get(name) ?? '';
  if (path === '') return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new UrlProblem(`names a file as ${name} that cannot be read`);
  }
  if (!text.includes('-----BEGIN ')) throw new UrlProblem(`names a file as ${name} that is no PEM file`);
  return text;
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

function versionsOf(parameters: Parameters): Pick<ConnectionOptions, 'minVersion' | 'maxVersion'> {
  const of = (name: string): (typeof versions)[number] | undefined => {
    const text = parameters.get(name) ?? '';
    const version = versions.find((known) => known === text);
    if (text !== '' && version === undefined)
      throw new UrlProblem(`has another ${name} than ${versions.join(', ')}`);
    return version;
  };
  const minVersion = of('ssl_min_protocol_version');
  const maxVersion = of('ssl_max_protocol_version');
  return {
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
  };
}
