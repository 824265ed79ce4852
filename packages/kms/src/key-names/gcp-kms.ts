import { KmsError } from '../kms-error.ts';
import { endpointIn } from './endpoint.ts';

export interface GcpKey {
  /** Which KEK this is: the resource name of the key, whatever its versions and the endpoint. */
  readonly id: string;
  /** `projects/…/cryptoKeys/…`, as the API has it. */
  readonly name: string;
  readonly project: string;
  /** Scheme, host and port. */
  readonly endpoint: string;
  /** The number of a version of this key by its resource name; null: it is not one. */
  versionOf(name: unknown): number | null;
}

/** Whom a token is for, whatever the endpoint leads to it. */
export const service = 'https://cloudkms.googleapis.com';

// A project's id begins with a letter; its number, which names it too, would make another id of the same KEK.
const project = '(?:[a-z][a-z0-9-]{0,62}(?:\\.[a-z0-9-]{1,63}){1,4}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]';
const place = '/locations/[a-z][a-z0-9-]{1,62}/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}';
const whole = new RegExp(`^projects/(${project})(${place})$`);

const form =
  'gcp-kms:projects/<project id>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>, with ?endpoint=https://<host> where it is another one';

/** Of the URI behind its scheme. Throws `INVALID_URI`, repeating nothing of it. */
export function parseGcpKey(rest: string): GcpKey {
  const [name = '', query, ...more] = rest.replace(/^\/\//, '').split('?');
  if (/\/cryptoKeyVersions\//.test(name))
    throw invalid('it must name the key, not a version of it: the service knows which one wraps');
  const [, projectId, within] = whole.exec(name) ?? [];
  if (projectId === undefined || within === undefined || more.length > 0) throw invalid(`it must be ${form}`);
  const id = `gcp-kms:${name}`;
  if (id.length > 256) throw invalid('it is too long');
  return {
    id,
    name,
    project: projectId,
    endpoint: endpointOf(query),
    versionOf(given) {
      if (typeof given !== 'string') return null;
      const [, ofKey, number] = /^(.{1,300})\/cryptoKeyVersions\/([1-9][0-9]{0,8})$/.exec(given) ?? [];
      return ofKey === name ? Number(number) : null;
    },
  };
}

function endpointOf(query: string | undefined): string {
  if (query === undefined) return service;
  const url = endpointIn(query, form, invalid);
  if (url.href !== `${url.origin}/`) throw invalid('its endpoint may have a host and a port, and no more');
  return url.origin;
}

function invalid(why: string): KmsError {
  return new KmsError('INVALID_URI', `KEK: the URI of a Cloud KMS key is not well formed: ${why}`);
}
