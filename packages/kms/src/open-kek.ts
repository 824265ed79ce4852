import type { Kek } from './kek.ts';
import { KmsError } from './kms-error.ts';
import { openLocalKek } from './local-kek.ts';

/** Schemes whose meaning is settled (docs) and which no provider serves yet. */
const planned = ['aws-kms', 'gcp-kms', 'azure-kv', 'hcvault', 'pkcs11'];

/**
 * Opens the KEK that a URI names: `local:<path>`, a key file, relative to the working directory or absolute.
 *
 * @throws KmsError `INVALID_URI`, `UNSUPPORTED_URI`, and what the provider throws. Of the URI a message repeats only
 *   the scheme, or the path of a key file: others may carry credentials.
 */
export async function openKek(uri: string): Promise<Kek> {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9-]{0,31}):(.*)$/s.exec(uri) ?? [];
  if (scheme === 'local') return openLocalKek(uri, rest);
  if (scheme !== undefined && planned.includes(scheme)) {
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
