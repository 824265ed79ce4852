import { verify, type X509Certificate } from 'node:crypto';
import { type Covered, readCoverage } from './coverage.ts';
import { DerError } from './der.ts';
import { openEnvelope, type Signed } from './envelopes.ts';
import { keysOfJwks, type TrustedKey } from './public-keys.ts';
import { type SecondKey, secondKeysOfJwks } from './second-keys.ts';
import { refuseStamp, type StampVerdict, verifyStamp } from './stamp.ts';
import { tokenHandedOn } from './stamp-answer.ts';
import { readStatement, type Statement, type StatementKind } from './statement.ts';

/** Why a certificate is refused. */
const refusals = {
  MALFORMED: 'This is no DSSE envelope, no Sigstore bundle and no compact JWS.',
  WRONG_TYPE: 'This is signed as something else than a certificate of ours.',
  UNKNOWN_KEY: 'It names a signing key that is not among those given.',
  BAD_SIGNATURE: 'The signature is not of this content: it was changed, or made by another key.',
  KEY_COMPROMISED:
    'The signing key is marked as compromised, and no time stamp that you trust shows that it signed this before: ' +
    'anybody who has it can have written this, with any date.',
  KEY_RETIRED: 'It says that it was signed after its signing key was retired.',
  KEY_NOT_YET_VALID: 'It says that it was signed before its signing key was in use.',
  NO_SECOND_SIGNATURE:
    'It is not signed by a second key that was given, or not within the time in which that was in use.',
  BAD_CHECKPOINT: 'The checkpoint in it does not cover the event that it names.',
} as const;
type Refusal = keyof typeof refusals;

export type Verdict =
  | {
      readonly verified: true;
      readonly form: 'dsse' | 'jws' | 'bundle';
      /** The key that was trusted, by its thumbprint. */
      readonly kid: string;
      /** Of what it is. */
      readonly kind: StatementKind;
      readonly statement: Statement;
      /** Where the log of events holds its last event, by the checkpoint in it; null: it has none. */
      readonly covered: Covered | null;
      /** Since when its key is compromised: a time stamp is older. */
      readonly compromisedAt: Date | null;
      readonly stamp: StampVerdict | null;
      /** The second signature, by its key; not verified: that was not given, or not in use. Null: there is none. */
      readonly second: { readonly kid: string; readonly isVerified: boolean } | null;
    }
  | {
      readonly verified: false;
      readonly refusal: Refusal;
      readonly reason: string;
      readonly kid: string | null;
      readonly stamp: StampVerdict | null;
    };

/** Whom a verifier trusts: keys that sign certificates, and authorities whose time stamps count. */
export type Trust = ({ readonly keys: readonly TrustedKey[] } | { readonly jwks: unknown }) & {
  /** None: no time stamp counts. */
  readonly tsaCas?: readonly X509Certificate[];
  /** Of second signatures; of a JWK Set its own unless there are others. */
  readonly secondKeys?: readonly SecondKey[];
  /** Whether a certificate without a second signature is refused. */
  readonly needsSecond?: boolean;
};

/** @param trust keys that were pinned, or a JWK Set; whether the set itself is to be trusted is the caller's question */
export function verifyCertificate(certificate: Uint8Array | string, trust: Trust): Verdict {
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
  const stamp = signed.stamp === null ? null : stampOf(signed.stamp, signed.signature, trust.tsaCas ?? []);
  const compromisedAt = earliest(candidates.map((candidate) => candidate.compromisedAt));
  // Without somebody else's word for when it was signed no date in it counts: whoever has the key writes what date they like.
  const isOlder = compromisedAt === null || (stamp?.trusted === true && stamp.latest < compromisedAt);
  if (!isOlder) return refuse('KEY_COMPROMISED', kid, stamp);
  const read = readStatement(signed.payload);
  if (read === null) return refuse('WRONG_TYPE', kid, stamp);
  const { kind, statement } = read;
  const signedAt = new Date(statement.predicate.signedAt);
  if (candidates.some(({ retiredAt }) => retiredAt !== null && signedAt > retiredAt))
    return refuse('KEY_RETIRED', kid, stamp);
  if (candidates.some(({ notBefore }) => notBefore !== null && signedAt < notBefore))
    return refuse('KEY_NOT_YET_VALID', kid, stamp);
  const secondKeys = trust.secondKeys ?? ('jwks' in trust ? secondKeysOfJwks(trust.jwks) : []);
  const second = secondOf(signed, secondKeys, signedAt);
  if (second === 'BAD') return refuse('BAD_SIGNATURE', kid, stamp);
  if (trust.needsSecond === true && second?.isVerified !== true)
    return refuse('NO_SECOND_SIGNATURE', kid, stamp);
  const covered = readCoverage(statement.predicate, key);
  if (covered === 'BAD') return refuse('BAD_CHECKPOINT', kid, stamp);
  return { verified: true, form, kid, kind, statement, covered, compromisedAt, stamp, second };
}

function secondOf(
  { second, message }: Signed,
  keys: readonly SecondKey[],
  signedAt: Date,
): { readonly kid: string; readonly isVerified: boolean } | 'BAD' | null {
  if (second === null) return null;
  const { kid, signature } = second;
  const candidates = keys.filter((key) => key.kid === kid);
  const [key] = candidates;
  if (key !== undefined && !verify(null, message, key.publicKey, signature)) return 'BAD';
  const isVerified = candidates.every(
    ({ notBefore, retiredAt, compromisedAt }) =>
      compromisedAt === null &&
      (notBefore === null || signedAt >= notBefore) &&
      (retiredAt === null || signedAt <= retiredAt),
  );
  return { kid, isVerified: key !== undefined && isVerified };
}

/** As it is handed on, an answer that says nothing but that it is granted. */
function stampOf(answer: Buffer, signature: Buffer, cas: readonly X509Certificate[]): StampVerdict {
  try {
    return verifyStamp(tokenHandedOn(answer), signature, { cas });
  } catch (error) {
    if (error instanceof DerError) return refuseStamp('MALFORMED');
    throw error;
  }
}

function earliest(times: ReadonlyArray<Date | null>): Date | null {
  const known = times.filter((time) => time !== null).map((time) => time.getTime());
  return known.length === 0 ? null : new Date(Math.min(...known));
}

function refuse(refusal: Refusal, kid: string | null = null, stamp: StampVerdict | null = null): Verdict {
  return { verified: false, refusal, reason: refusals[refusal], kid, stamp };
}
