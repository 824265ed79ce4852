import { type Queryable, row, rows } from '@rekey/db';
import type { CertifiedWork } from './certificates.ts';

/** A certificate without a time stamp. */
export interface StampDue extends CertifiedWork {
  readonly dsse: string;
}

/** Takes up what was completed within so many hours and is certified, without a time stamp; for a minute nobody else does. */
export function claimCertificateStamps(on: Queryable, hours: number, atMost: number): Promise<StampDue[]> {
  return rows<StampDue>(
    on,
    `select kind, subject, dsse from rekey.claim_certificate_stamps($1 * interval '1 hour', $2)`,
    [hours, atMost],
  );
}

/** False: it has one. */
export async function keepCertificateStamp(
  on: Queryable,
  { kind, subject }: CertifiedWork,
  token: Buffer,
): Promise<boolean> {
  const { kept } = await row<{ kept: boolean }>(
    on,
    'select rekey.keep_certificate_stamp($1, $2, $3) as kept',
    [kind, subject, token],
  );
  return kept;
}
