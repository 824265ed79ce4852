import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';

/** An Ed25519 key as JSON Web Key, with when it was in use. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg?: string;
  readonly use?: string;
  readonly notBefore?: string | null;
  readonly retiredAt?: string | null;
  readonly compromisedAt?: string | null;
}

/** When a key was in use. */
export interface KeyHistory {
  readonly notBefore: Date | null;
  readonly retiredAt: Date | null;
  readonly compromisedAt: Date | null;
}

/** A key that a verifier trusts, and for when. */
export interface TrustedKey extends KeyHistory {
  readonly kid: string;
  readonly publicKey: KeyObject;
}

/** What a signing key is called everywhere: its RFC 7638 thumbprint. */
export function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}

/** The 32 bytes of an Ed25519 key, as `x`. Throws where it is another kind of key. */
export function xOf(publicKey: KeyObject): string {
  const { crv, x } = publicKey.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new TypeError('The key is no Ed25519 key');
  return x;
}

/** A key without a history, e.g. out of a PEM file that somebody pinned. */
export function pinnedKey(publicKey: KeyObject): TrustedKey {
  return {
    kid: thumbprint(xOf(publicKey)),
    publicKey,
    ...historyOf({}),
  };
}

/** The Ed25519 keys of a JWK Set; others are passed over. Throws `TypeError` where it is no set, or an entry is malformed. */
export function keysOfJwks(jwks: unknown): TrustedKey[] {
  const keys = (jwks as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new TypeError('This is no JWK Set');
  return (keys as Array<Partial<PublicJwk>>)
    .filter((jwk) => jwk?.kty === 'OKP' && jwk.crv === 'Ed25519')
    .map((jwk) => {
      const publicKey = createPublicKey({ key: jwk as JsonWebKeyInput['key'], format: 'jwk' });
      // By the thumbprint, not by what the set says: a kid names one key and no other.
      return { ...pinnedKey(publicKey), ...historyOf(jwk) };
    });
}

/** As it stands in a JWK. Throws `TypeError` where a time is malformed. */
export function historyOf({
  notBefore,
  retiredAt,
  compromisedAt,
}: Partial<Record<keyof KeyHistory, string | null>>): KeyHistory {
  return { notBefore: dateOf(notBefore), retiredAt: dateOf(retiredAt), compromisedAt: dateOf(compromisedAt) };
}

function dateOf(text: string | null | undefined): Date | null {
  if (text === undefined || text === null) return null;
  const date = new Date(typeof text === 'string' ? text : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new TypeError('A key of the JWK Set has a malformed time');
  return date;
}
