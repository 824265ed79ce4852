import type { Kek, OpenKek } from './kek.ts';
import { KmsError } from './kms-error.ts';

/** A file each, loaded when a KEK of its scheme is opened for the first time: whoever uses one KMS needs no other's SDK. */
const providers: Readonly<Record<string, () => Promise<{ readonly open: OpenKek }>>> = {
  local: () => import('./providers/local.ts'),
};

/** Schemes whose meaning is settled (docs) and which no provider serves yet. */
const planned = ['aws-kms', 'gcp-kms', 'azure-kv', 'hcvault', 'pkcs11'];

/**
 * Opens the KEK that a URI names: `local:<path>`, a key file, relative to the working directory or absolute.
 *
 * @throws KmsError `INVALID_URI`, `UNSUPPORTED_URI`, and what the provider throws. Of the URI a message repeats only
 *   the scheme, or the path of a key file: others may carry credentials.
 */
export async function openKek(uri: string): Promise<Kek> {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9-]{0,31}):(.*)$/s.exec(uri) ?? [];
  const load = Object.hasOwn(providers, scheme) ? providers[scheme] : undefined;
  if (load !== undefined) return (await load()).open(uri, rest);
  if (planned.includes(scheme)) {
    throw new KmsError(
      'UNSUPPORTED_URI',
      `KEK: this version has no provider for ${scheme}: yet; use local:<path>`,
    );
  }
  throw new KmsError(
    'INVALID_URI',
    `KEK: the URI must be local:<path>, or begin with one of ${planned.join(', ')}`,
  );
}
