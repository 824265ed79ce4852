import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { DEK_BYTES } from './dek.ts';
import { dekWrapAad } from './dek-wrap-aad.ts';
import { EnvelopeError } from './envelope-error.ts';

/** Nothing else is ever computed with a DEK by HMAC: records are sealed by AES-GCM. */
const label = Buffer.from('rekey dek check 1\0');

/**
 * By what a DEK is recognised: HMAC-SHA-256 under its bytes of a label, its tenant and its id. Of 32 random bytes it tells nothing,
 * nor whether two DEKs are the same. The bytes stay the caller's.
 *
 * @param dekId the plain UUID, without the prefix `dek-`
 * @throws EnvelopeError `INVALID_KEY` for another length, `INVALID_ID` when one of them is no UUID
 */
export function dekCheck(bytes: Buffer, tenantId: string, dekId: string): Buffer {
  if (bytes.length !== DEK_BYTES) throw new EnvelopeError('INVALID_KEY', 'a DEK has exactly 32 bytes');
  return createHmac('sha256', bytes).update(label).update(dekWrapAad(tenantId, dekId)).digest();
}

/** Whether these bytes are the DEK that was stored; bytes of another length are not. */
export function isDek(bytes: Buffer, tenantId: string, dekId: string, check: Buffer): boolean {
  if (bytes.length !== DEK_BYTES) return false;
  const found = dekCheck(bytes, tenantId, dekId);
  return found.length === check.length && timingSafeEqual(found, check);
}
