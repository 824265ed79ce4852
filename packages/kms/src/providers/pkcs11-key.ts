import { Buffer } from 'node:buffer';
import { KmsError } from '../kms-error.ts';

/** As RFC 7512 has them: a secret key, or the private half of a pair. */
type KeyType = 'secret-key' | 'private';

/** What a URI of RFC 7512 says. */
export interface TokenKey {
  /** Which KEK this is: what tells the token, and what tells the key on it; never where the module lies. */
  readonly id: string;
  readonly type: KeyType;
  readonly module: string;
  readonly token: string | undefined;
  readonly serial: string | undefined;
  readonly object: string | undefined;
  readonly objectId: Buffer | undefined;
  /** Absent: `PKCS11_PIN` of the environment. */
  readonly pinFile: string | undefined;
}

const form =
  'pkcs11:token=<label>;object=<label>?module-path=<absolute path>&pin-source=file:<absolute path> (docs/kek-providers.md)';
const ofPath = ['token', 'serial', 'object', 'id', 'type'];
const ofQuery = ['module-path', 'pin-source'];

/** Of the URI behind its scheme; without a type it is the first of these. Throws `INVALID_URI`, repeating nothing of it. */
export function parseTokenKey(rest: string, types: readonly [KeyType, ...KeyType[]]): TokenKey {
  if (/pin-value/i.test(rest))
    throw invalid('a PIN must not stand in it; use pin-source, or PKCS11_PIN of the environment');
  const [path = '', query = '', ...more] = rest.split('?');
  if (more.length > 0 || rest.length > 1_024) throw invalid(`it must be ${form}`);
  const told = attributes(path, ';', ofPath);
  const where = attributes(query, '&', ofQuery);
  const text = (name: string, lengthMax: number): string | undefined => {
    const value = told.get(name)?.toString();
    if (value !== undefined && !(value.length > 0 && value.length <= lengthMax && /^[ -~]+$/.test(value)))
      throw invalid(`its ${name} is not well formed`);
    return value;
  };
  const [token, serial, object] = [text('token', 32), text('serial', 16), text('object', 128)];
  const objectId = told.get('id');
  if (token === undefined && serial === undefined) throw invalid('it must have a token or a serial');
  if (object === undefined && objectId === undefined) throw invalid('it must have an object or an id');
  if (objectId !== undefined && (objectId.length === 0 || objectId.length > 64))
    throw invalid('its id is not well formed');
  const given = told.get('type')?.toString() ?? types[0];
  const type = types.find((one) => one === given);
  if (type === undefined) throw invalid(`its type must be ${types.join(' or ')}`);
  const module = where.get('module-path')?.toString() ?? '';
  if (!absolute.test(module)) throw invalid('its module-path must be the absolute path of a library');
  const source = where.get('pin-source')?.toString();
  // RFC 7512 also knows `|command`: no program is run because of a URI.
  const pinFile = source?.replace(/^file:(\/\/(?=\/))?/, '');
  if (pinFile !== undefined && !(source?.startsWith('file:') && absolute.test(pinFile)))
    throw invalid('its pin-source must be file: and the absolute path of a file');
  const parts = Object.entries({ token, serial, object })
    .filter((part): part is [string, string] => part[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const ofId =
    objectId === undefined ? [] : [`id=${objectId.toString('hex').replace(/../g, (byte) => `%${byte}`)}`];
  // A secret key and a pair may have the same label. Secret keys had ids before there were others.
  const ofType = type === 'secret-key' ? [] : [`type=${type}`];
  const id = `pkcs11:${[...parts, ...ofId, ...ofType].join(';')}`;
  return { id, type, module, token, serial, object, objectId, pinFile };
}

const absolute = /^\/[^\0\n\r]{1,254}$/;

function attributes(text: string, separator: string, known: readonly string[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const piece of text === '' ? [] : text.split(separator)) {
    const [, name = '', value = ''] =
      /^([a-z-]{1,20})=((?:[A-Za-z0-9._~:[\]@!$'()*+,=/ |-]|%[0-9A-Fa-f]{2})*)$/.exec(piece) ?? [];
    if (!known.includes(name) || found.has(name))
      throw invalid(`it may have, each once, ${[...ofPath, ...ofQuery].join(', ')} and no others`);
    const bytes = value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    found.set(name, Buffer.from(bytes, 'latin1'));
  }
  return found;
}

function invalid(why: string): KmsError {
  return new KmsError('INVALID_URI', `KEK: the URI of a PKCS #11 key is not well formed: ${why}`);
}
