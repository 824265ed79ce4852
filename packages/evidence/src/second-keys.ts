import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { historyOf, type KeyHistory } from './public-keys.ts';
import type { Signer } from './signer.ts';

/** A key of a second signature as JSON Web Key (RFC 9964's AKP), with when it was in use. */
export interface SecondJwk
  extends Partial<Record<'notBefore' | 'retiredAt' | 'compromisedAt', string | null>> {
  readonly kty: 'AKP';
  readonly alg: 'ML-DSA-65';
  readonly pub: string;
  readonly kid: string;
}

/** One that a verifier trusts. */
export interface SecondKey extends KeyHistory {
  readonly kid: string;
  readonly publicKey: KeyObject;
}

const type = 'ml-dsa-65';

/** Its RFC 7638 thumbprint. */
function thumbprint(pub: string): string {
  return createHash('sha256').update(`{"alg":"ML-DSA-65","kty":"AKP","pub":"${pub}"}`).digest('base64url');
}

/** The 1,952 bytes of an ML-DSA-65 key, as `pub`. Throws where it is another kind of key. */
export function pubOf(publicKey: KeyObject): string {
  const jwk: object = publicKey.asymmetricKeyType === type ? publicKey.export({ format: 'jwk' }) : {};
  const pub = 'pub' in jwk ? jwk.pub : undefined;
  if (typeof pub !== 'string') throw new TypeError('The key is no ML-DSA-65 key');
  return pub;
}

/** A key without a history, out of a file that somebody pinned. */
export function pinnedSecondKey(publicKey: KeyObject): SecondKey {
  return { kid: thumbprint(pubOf(publicKey)), publicKey, ...historyOf({}) };
}

/** The ML-DSA-65 keys of a JWK Set; others are passed over. Throws `TypeError` where an entry is malformed. */
export function secondKeysOfJwks(jwks: unknown): SecondKey[] {
  const keys = (jwks as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new TypeError('This is no JWK Set');
  return (keys as Array<Partial<SecondJwk>>)
    .filter((jwk) => jwk?.kty === 'AKP' && jwk.alg === 'ML-DSA-65')
    .map((jwk) => {
      const { kty, alg, pub } = jwk;
      const publicKey = createPublicKey({ key: { kty, alg, pub } as JsonWebKeyInput['key'], format: 'jwk' });
      return { ...pinnedSecondKey(publicKey), ...historyOf(jwk) };
    });
}

/** What signs by ML-DSA-65. Throws `TypeError` where the key is another one. */
export function secondSignerBy(publicKey: KeyObject, signs: Signer['sign']): Signer {
  const pub = pubOf(publicKey);
  return { kid: thumbprint(pub), publicKey: Buffer.from(pub, 'base64url'), sign: signs };
}
