import { type Queryable, row, rows } from '@rekey/db';

/** Makes a public key known; whether certificates may be signed with it. */
export async function registerSigningKey(
  on: Queryable,
  { kid, publicKey }: { readonly kid: string; readonly publicKey: Buffer },
): Promise<boolean> {
  const { usable } = await row<{ usable: boolean }>(
    on,
    'select rekey.register_signing_key($1, $2) as usable',
    [kid, publicKey],
  );
  return usable;
}

/** Rotations that were completed within so many hours and have no certificate. */
export async function certificatesDue(on: Queryable, hours: number, atMost: number): Promise<string[]> {
  const found = await rows<{ id: string }>(
    on,
    `select d as id from rekey.certificates_due($1 * interval '1 hour', $2) d`,
    [hours, atMost],
  );
  return found.map(({ id }) => id);
}

/** What the rows say of a completed rotation, and what time it is there. */
export async function certificateFacts(
  on: Queryable,
  rotationId: string,
): Promise<{ facts: Readonly<Record<string, unknown>> | null; now: Date }> {
  return row(on, 'select rekey.certificate_facts($1) as facts, clock_timestamp() as now', [rotationId]);
}

/** False: somebody else's was first. */
export async function keepCertificate(
  on: Queryable,
  rotationId: string,
  { kid, dsse, jws }: { readonly kid: string; readonly dsse: string; readonly jws: string },
): Promise<boolean> {
  const { kept } = await row<{ kept: boolean }>(on, 'select rekey.keep_certificate($1, $2, $3, $4) as kept', [
    rotationId,
    kid,
    dsse,
    jws,
  ]);
  return kept;
}
