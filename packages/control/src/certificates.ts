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

/** The same of a second signature. */
export async function registerSecondSigningKey(
  on: Queryable,
  { kid, publicKey }: { readonly kid: string; readonly publicKey: Buffer },
): Promise<boolean> {
  const { usable } = await row<{ usable: boolean }>(
    on,
    'select rekey.register_second_signing_key($1, $2) as usable',
    [kid, publicKey],
  );
  return usable;
}

/** What certificates are made of: a rotation, a rewrap, or a DEK that was destroyed. */
export interface CertifiedWork {
  readonly kind: 'rotation' | 'rewrap' | 'destruction';
  readonly subject: string;
}

/** What was completed within so many hours and has no certificate. */
export function certificatesDue(on: Queryable, hours: number, atMost: number): Promise<CertifiedWork[]> {
  return rows<CertifiedWork>(
    on,
    `select kind, subject from rekey.work_to_certify($1 * interval '1 hour', $2)`,
    [hours, atMost],
  );
}

/** What the rows say of completed work, and what time it is there. */
export async function certificateFacts(
  on: Queryable,
  { kind, subject }: CertifiedWork,
): Promise<{ facts: Readonly<Record<string, unknown>> | null; now: Date }> {
  return row(on, 'select rekey.facts_to_certify($1, $2) as facts, clock_timestamp() as now', [kind, subject]);
}

/** False: somebody else's was first. */
export async function keepCertificate(
  on: Queryable,
  { kind, subject }: CertifiedWork,
  { kid, dsse, jws }: { readonly kid: string; readonly dsse: string; readonly jws: string },
): Promise<boolean> {
  const { kept } = await row<{ kept: boolean }>(
    on,
    'select rekey.keep_certificate_of($1, $2, $3, $4, $5) as kept',
    [kind, subject, kid, dsse, jws],
  );
  return kept;
}

/** A certificate, in both forms. */
export interface KeptCertificate {
  readonly dsse: string;
  readonly jws: string;
  /** A time stamp over the signature of the first form (RFC 3161); null: there is none yet. */
  readonly stamp: Buffer | null;
}

export async function findCertificate(
  on: Queryable,
  { kind, subject }: CertifiedWork,
): Promise<KeptCertificate | null> {
  const [found] = await rows<KeptCertificate>(
    on,
    `select c.dsse, c.jws, s.token as stamp from ${
      kind === 'rotation'
        ? `(select rotation_id as subject, 'rotation' as kind, dsse, jws from rekey.rotation_certificates)`
        : 'rekey.other_certificates'
    } c left join rekey.certificate_stamps s using (kind, subject) where subject = $1 and kind = $2`,
    [subject, kind],
  );
  return found ?? null;
}

/** A public key that signs or signed certificates. */
export interface SigningKey {
  readonly algorithm: 'Ed25519' | 'ML-DSA-65';
  readonly kid: string;
  readonly publicKey: Buffer;
  readonly notBefore: Date;
  readonly retiredAt: Date | null;
  readonly compromisedAt: Date | null;
}

export function listSigningKeys(on: Queryable): Promise<SigningKey[]> {
  return rows<SigningKey>(
    on,
    `select algorithm, kid, public_key as "publicKey", not_before as "notBefore", retired_at as "retiredAt",
       compromised_at as "compromisedAt"
     from (select 'Ed25519' as algorithm, * from rekey.signing_keys
       union all select 'ML-DSA-65', * from rekey.second_signing_keys) k order by not_before, kid`,
  );
}
