import { Buffer } from 'node:buffer';
import { createHmac, type KeyObject } from 'node:crypto';
import { EnvelopeError, gcmOpen, gcmSeal } from '@rekey/envelope';
import type { OpenKek } from '../kek.ts';
import { KmsError } from '../kms-error.ts';
import { readLocalKeyFile } from '../local-key-file.ts';

// A wrapped DEK: 0x01 ‖ fingerprint of the KEK (8) ‖ IV (12) ‖ ciphertext (32) ‖ tag (16): docs/ciphertext-format.md
const version = 0x01;
const fingerprintBytes = 8;
const headerBytes = 1 + fingerprintBytes;

/**
 * A KEK in a file of this machine, read once, here. For development, tests, and where the file itself comes from a
 * safe place (a mounted secret); whoever reads the file can unwrap every DEK. Its id is the fingerprint of the key, so
 * that a file that was moved is the same KEK, and another key in its place is another one.
 *
 * @throws KmsError as `readLocalKeyFile` does
 */
export const open: OpenKek = async (uri, path) => {
  let held: KeyObject | null = await readLocalKeyFile(path);
  const fingerprint = fingerprintOf(held);
  const header = Buffer.concat([Buffer.of(version), fingerprint]);

  const needKey = (): KeyObject => {
    if (held === null) throw new KmsError('UNAVAILABLE', 'KEK: closed');
    return held;
  };

  return {
    id: `local:${fingerprint.toString('hex')}`,
    uri,
    async wrap(dek, aad) {
      return Buffer.concat([header, gcmSeal(needKey(), aad, dek)]);
    },
    async unwrap(wrapped, aad) {
      const key = needKey();
      if (wrapped.length < headerBytes || wrapped[0] !== version) {
        throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that a local KEK makes');
      }
      if (!wrapped.subarray(1, headerBytes).equals(fingerprint)) {
        throw new KmsError('NOT_FOUND', `wrapped DEK: wrapped under another KEK than ${path}`);
      }
      try {
        return gcmOpen(key, aad, wrapped.subarray(headerBytes));
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error;
        throw new KmsError('CORRUPT', 'wrapped DEK: damaged, or copied from another tenant or DEK');
      }
    },
    async close() {
      held = null;
    },
  };
};

/** Tells KEKs apart and reveals nothing of them: a PRF of the key, cut to 8 bytes, with a label used nowhere else. */
function fingerprintOf(key: KeyObject): Buffer {
  return createHmac('sha256', key)
    .update('rekey local KEK fingerprint v1')
    .digest()
    .subarray(0, fingerprintBytes);
}
