import { Buffer } from 'node:buffer';
import { uuidBytes } from './record-id.ts';

/**
 * What a wrapped DEK is bound to: tenant (16 raw bytes) ‖ DEK id (16 raw bytes). So a wrapped DEK copied to another
 * row or another tenant does not unwrap.
 *
 * @param dekId the plain UUID, without the prefix `dek-`
 * @throws EnvelopeError `INVALID_ID` when one of them is no UUID
 */
export function dekWrapAad(tenantId: string, dekId: string): Buffer {
  return Buffer.concat([uuidBytes(tenantId), uuidBytes(dekId)]);
}
