import { verify } from 'node:crypto';
import { type Covered, readCoverage } from './coverage.ts';
import { openEnvelope } from './envelopes.ts';
import { keysOfJwks, type TrustedKey } from './public-keys.ts';
import { readStatement, type Statement, type StatementKind } from './statement.ts';

/** Why a certificate is refused. */
const refusals = {
  MALFORMED: 'This is no DSSE envelope and no compact JWS.',
  WRONG_TYPE: 'This is signed as something else than a certificate of ours.',
  UNKNOWN_KEY: 'It names a signing key that is not among those given.',
  BAD_SIGNATURE: 'The signature is not of this content: it was changed, or made by another key.',
  KEY_COMPROMISED:
    'The signing key is marked as compromised: anybody who has it can have written this, with any date.',
  KEY_RETIRED: 'It says that it was signed after its signing key was retired.',
  KEY_NOT_YET_VALID: 'It says that it was signed before its signing key was in use.',
  BAD_CHECKPOINT: 'The checkpoint in it does not cover the event that it names.',
} as const;
type Refusal = keyof typeof refusals;

export type Verdict =
  | {
      readonly verified: true;
      readonly form: 'dsse' | 'jws';
      /** The key that was trusted, by its thumbprint. */
      readonly kid: string;
      /** Of what it is. */
      readonly kind: StatementKind;
      readonly statement: Statement;
      /** Where the log of events holds its last event, by the checkpoint in it; null: it has none. */
      readonly covered: Covered | null;
    }
  | {
      readonly verified: false;
      readonly refusal: Refusal;
      readonly reason: string;
      readonly kid: string | null;
    };

/** @param trust keys that were pinned, or a JWK Set; whether the set itself is to be trusted is the caller's question */
export function verifyCertificate(
  certificate: Uint8Array | string,
  trust: { readonly keys: readonly TrustedKey[] } | { readonly jwks: unknown },
): Verdict {
  const keys = 'keys' in trust ? trust.keys : keysOfJwks(trust.jwks);
  const text = typeof certificate === 'string' ? certificate : Buffer.from(certificate).toString('utf8');
  const signed = openEnvelope(text);
  if (signed === null) return refuse('MALFORMED');
  if (signed === 'WRONG_TYPE') return refuse('WRONG_TYPE');
  const { kid, form } = signed;
  const candidates = keys.filter((key) => key.kid === kid);
  const [key] = candidates;
  if (!key) return refuse('UNKNOWN_KEY', kid);
  if (!verify(null, signed.message, key.publicKey, signed.signature)) return refuse('BAD_SIGNATURE', kid);
  // Without an older witness no date in it counts: whoever has the key writes what date they like.
  if (candidates.some(({ compromisedAt }) => compromisedAt !== null)) return refuse('KEY_COMPROMISED', kid);
  const read = readStatement(signed.payload);
  if (read === null) return refuse('WRONG_TYPE', kid);
  const { kind, statement } = read;
  const signedAt = new Date(statement.predicate.signedAt);
  if (candidates.some(({ retiredAt }) => retiredAt !== null && signedAt > retiredAt))
    return refuse('KEY_RETIRED', kid);
  if (candidates.some(({ notBefore }) => notBefore !== null && signedAt < notBefore))
    return refuse('KEY_NOT_YET_VALID', kid);
  const covered = readCoverage(statement.predicate, key);
  if (covered === 'BAD') return refuse('BAD_CHECKPOINT', kid);
  return { verified: true, form, kid, kind, statement, covered };
}

function refuse(refusal: Refusal, kid: string | null = null): Verdict {
  return { verified: false, refusal, reason: refusals[refusal], kid };
}
