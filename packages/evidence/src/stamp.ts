import { createHash, verify, X509Certificate } from 'node:crypto';
import { DerError } from './der.ts';
import {
  hasStrongKey,
  isForStamps,
  isValidAt,
  leadsTo,
  readCertificate,
  type StampCertificate,
  signatureHashes,
} from './stamp-chain.ts';
import { readToken, type StampToken } from './stamp-token.ts';

/** Why a time stamp counts for nothing. */
const problems = {
  MALFORMED: 'it is no time stamp, or not written as those that can be read',
  OTHER_BYTES: 'it is of something else than this signature',
  OTHER_NONCE: 'it answers another question',
  NO_CERTIFICATE: 'the certificate of who signed it is not in it, or is another one',
  NOT_FOR_STAMPS: 'who signed it has no certificate for time stamps and nothing else',
  NOT_VALID_THEN: 'the certificate of who signed it was not valid then',
  BAD_SIGNATURE: 'its signature is not of this content, or of a kind that is not known',
  UNTRUSTED: 'no certificate that you gave vouches for who signed it',
} as const;
export type StampProblem = keyof typeof problems;

/** What a time stamp shows; `trusted` only where somebody who was given vouches for it. */
export type StampVerdict =
  | {
      readonly trusted: true;
      /** When, and by when at the latest. */
      readonly at: Date;
      readonly latest: Date;
      /** The name in the certificate of the authority. */
      readonly by: string;
    }
  | { readonly trusted: false; readonly problem: StampProblem; readonly reason: string };

/**
 * Verifies a time stamp (RFC 3161) over these bytes.
 *
 * @param cas whose word counts: certificates of authorities, or of time stamps' own
 * @param nonce that of the question, where this is the answer to it
 */
export function verifyStamp(
  token: Buffer,
  bytes: Uint8Array,
  { cas, nonce }: { readonly cas: readonly X509Certificate[]; readonly nonce?: bigint },
): StampVerdict {
  try {
    const read = readToken(token);
    const { imprint, at, accuracyMs, certificates, signer } = read;
    if (!createHash(imprint.hash).update(bytes).digest().equals(imprint.digest))
      return refuseStamp('OTHER_BYTES');
    if (nonce !== undefined && read.nonce !== nonce) return refuseStamp('OTHER_NONCE');
    const all = certificates.map(readCertificate);
    const own = all.find((one) => isOf(one, signer));
    if (own === undefined) return refuseStamp('NO_CERTIFICATE');
    if (!isForStamps(own)) return refuseStamp('NOT_FOR_STAMPS');
    if (!isSignedBy(own, signer)) return refuseStamp('BAD_SIGNATURE');
    if (!isValidAt(own, at)) return refuseStamp('NOT_VALID_THEN');
    if (!leadsTo(cas, own, all, at)) return refuseStamp('UNTRUSTED');
    const by = own.x509.subject.replaceAll('\n', ', ');
    return { trusted: true, at, latest: new Date(at.getTime() + accuracyMs), by };
  } catch (error) {
    if (error instanceof DerError) return refuseStamp('MALFORMED');
    throw error;
  }
}

/** The certificates in a PEM file. Throws `TypeError` where there is none, or one is malformed. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const found = blocks.map((block) => readCertificate(new X509Certificate(block).raw).x509);
    if (found.length > 0) return found;
  } catch {}
  throw new TypeError('This is no PEM file with certificates');
}

/** The one that the signer names, by its issuer, its number and its hash. */
function isOf({ raw, issuer, serial }: StampCertificate, signer: StampToken['signer']): boolean {
  return (
    issuer.equals(signer.issuer) &&
    serial.equals(signer.serial) &&
    signer.certificateHashes.every(({ hash, digest }) => createHash(hash).update(raw).digest().equals(digest))
  );
}

function isSignedBy(certificate: StampCertificate, signer: StampToken['signer']): boolean {
  const { algorithm, hash, message, signature } = signer;
  const said = signatureHashes[algorithm];
  if (said === undefined || (said !== null && said !== hash) || !hasStrongKey(certificate)) return false;
  const key = certificate.x509.publicKey;
  if ((key.asymmetricKeyType === 'ec') !== algorithm.startsWith('1.2.840.10045.')) return false;
  try {
    return verify(hash, message, key, signature);
  } catch {
    return false;
  }
}

export function refuseStamp(problem: StampProblem): StampVerdict {
  return { trusted: false, problem, reason: problems[problem] };
}
