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

/** The certificate of a rotation, in both forms. */
export interface KeptCertificate {
  readonly dsse: string;
  readonly jws: string;
}

export async function findCertificate(on: Queryable, rotationId: string): Promise<KeptCertificate | null> {
  const [found] = await rows<KeptCertificate>(
    on,
    'select dsse, jws from rekey.rotation_certificates where rotation_id = $1',
    [rotationId],
  );
  return found ?? null;
}

/** A public key that signs or signed certificates. */
export interface SigningKey {
  readonly kid: string;
  readonly publicKey: Buffer;
  readonly notBefore: Date;
  readonly retiredAt: Date | null;
  readonly compromisedAt: Date | null;
}

export function listSigningKeys(on: Queryable): Promise<SigningKey[]> {
  return rows<SigningKey>(
    on,
    `select kid, public_key as "publicKey", not_before as "notBefore", retired_at as "retiredAt",
       compromised_at as "compromisedAt"
     from rekey.signing_keys order by not_before, kid`,
  );
}
