import { KmsError } from '../kms-error.ts';
import { isSafe } from './endpoint.ts';

/** How a process proves itself to the server. Secrets are in files, or in the environment: never in the URI. */
export type Login =
  | { readonly kind: 'token'; readonly file: string | undefined }
  | {
      readonly kind: 'approle' | 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly file: string | undefined;
    };

export interface TransitKey {
  /** Which KEK this is: namespace, mount and name, and the cluster where it was given one; never the server's address. */
  readonly id: string;
  /** Scheme, host and port. */
  readonly server: string;
  readonly mount: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly login: Login;
}

const form =
  'hcvault:https://<host>[:<port>]/<mount>/keys/<name>, with parameters where they are needed (docs/kek-providers.md)';
const segment = '[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?';
const path = new RegExp(`^${segment}(?:/${segment}){0,7}$`);
const whole = new RegExp(
  `^(?:(https?):)?//((?:[A-Za-z0-9.-]{1,253}|\\[[0-9a-f:]{2,39}\\])(?::[0-9]{1,5})?)/(${segment}(?:/${segment}){0,7})/keys/(${segment})(?:\\?([^#\\s]{0,1024}))?$`,
);

const parametersOf = {
  token: ['token_file'],
  approle: ['auth_mount', 'role', 'secret_id_file'],
  kubernetes: ['auth_mount', 'role', 'jwt_file'],
} as const;
const ofEvery = ['auth', 'cluster', 'namespace'];
const jwtFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Of the URI behind its scheme. Throws `INVALID_URI`, repeating nothing of it. */
export function parseTransitKey(rest: string): TransitKey {
  const [, scheme = 'https', host, mount, name, query = ''] = whole.exec(rest) ?? [];
  if (host === undefined || mount === undefined || name === undefined) throw invalid(`it must be ${form}`);
  const url = URL.parse(`${scheme}://${host}`);
  if (url === null || !isSafe(url))
    throw invalid('its server must be reached by https, or by http on this machine');
  const given = parameters(query);
  const namespace = pathOf(given, 'namespace');
  const cluster = pathOf(given, 'cluster');
  const place = [...(namespace === undefined ? [] : [namespace]), mount, name].join('/');
  const id = `hcvault:${cluster === undefined ? '' : `${cluster}@`}${place}`;
  if (id.length > 256) throw invalid('it is too long');
  return { id, server: url.origin, mount, name, namespace, login: loginOf(given) };
}

function parameters(query: string): ReadonlyMap<string, string> {
  const pairs = [...new URLSearchParams(query)];
  const given = new Map(pairs);
  if (given.size < pairs.length) throw invalid('a parameter stands in it twice');
  return given;
}

function loginOf(given: ReadonlyMap<string, string>): Login {
  const kind = given.get('auth') ?? 'token';
  if (kind !== 'token' && kind !== 'approle' && kind !== 'kubernetes')
    throw invalid('its auth must be token, approle or kubernetes');
  const known: readonly string[] = [...parametersOf[kind], ...ofEvery];
  if ([...given.keys()].some((name) => !known.includes(name)))
    throw invalid(`with auth ${kind} it may have the parameters ${known.join(', ')} and no others`);
  if (kind === 'token') return { kind, file: fileOf(given, 'token_file') };
  const role = given.get('role') ?? '';
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(role)) throw invalid(`with auth ${kind} it must have a role`);
  const file = kind === 'approle' ? fileOf(given, 'secret_id_file') : (fileOf(given, 'jwt_file') ?? jwtFile);
  return { kind, mount: pathOf(given, 'auth_mount') ?? kind, role, file };
}

function pathOf(given: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = given.get(name);
  if (value !== undefined && !path.test(value)) throw invalid(`its ${name} is not well formed`);
  return value;
}

function fileOf(given: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = given.get(name);
  if (value !== undefined && !/^\/[^\0\n\r]{1,254}$/.test(value))
    throw invalid(`its ${name} must be the absolute path of a file`);
  return value;
}

function invalid(why: string): KmsError {
  return new KmsError('INVALID_URI', `KEK: the URI of a Transit key is not well formed: ${why}`);
}
