import { X509Certificate } from 'node:crypto';
import {
  booleanOf,
  contextTag,
  DerError,
  expect,
  integerOf,
  oidOf,
  partsIn,
  readDer,
  tags,
  takerOf,
} from './der.ts';

/** A certificate of an authority, with what Node does not tell of it. */
export interface StampCertificate {
  readonly x509: X509Certificate;
  readonly raw: Buffer;
  readonly issuer: Buffer;
  readonly serial: Buffer;
  /** Of its own signature. */
  readonly algorithm: string;
  readonly extensions: ReadonlyMap<string, { readonly critical: boolean; readonly value: Buffer }>;
}

/** How these sign, by the names that signatures and certificates have for it; null: the hash is named elsewhere. */
export const signatureHashes: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512' | null>> = {
  '1.2.840.113549.1.1.1': null, // RSA
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256', // ECDSA
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

const oids = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  extendedKeyUsage: '2.5.29.37',
  timeStamping: '1.3.6.1.5.5.7.3.8',
} as const;
/** What somebody says must be understood, and is. */
const understood: ReadonlySet<string> = new Set([
  ...[oids.keyUsage, oids.basicConstraints, oids.policies, oids.extendedKeyUsage],
]);
const lengthMax = 8;

/** Throws `DerError`. */
export function readCertificate(raw: Buffer): StampCertificate {
  const outer = takerOf(partsIn(readDer(raw), tags.sequence));
  const body = takerOf(partsIn(outer.take(tags.sequence), tags.sequence));
  body.maybe(contextTag(0)); // the version
  const serial = body.take(tags.integer).whole;
  const [algorithm] = partsIn(body.take(tags.sequence), tags.sequence);
  const issuer = body.take(tags.sequence).whole;
  for (let n = 0; n < 3; n += 1) body.take(tags.sequence); // validity, subject, key
  const extensions = new Map<string, { critical: boolean; value: Buffer }>();
  for (const uniqueId of [0x81, 0x82]) body.maybe(uniqueId);
  const wrapped = body.maybe(contextTag(3));
  body.end();
  const [list] = wrapped === null ? [] : partsIn(wrapped, contextTag(3));
  for (const extension of list === undefined ? [] : partsIn(list, tags.sequence)) {
    const parts = takerOf(partsIn(extension, tags.sequence));
    const oid = oidOf(parts.take(tags.oid));
    const flag = parts.maybe(tags.boolean);
    const value = parts.take(tags.octets).content;
    parts.end();
    if (extensions.has(oid)) throw new DerError('an extension more than once');
    extensions.set(oid, { critical: flag !== null && booleanOf(flag), value });
  }
  return { x509: x509Of(raw), raw, issuer, serial, algorithm: oidOf(algorithm), extensions };
}

function x509Of(raw: Buffer): X509Certificate {
  try {
    return new X509Certificate(raw);
  } catch {
    throw new DerError('a malformed certificate');
  }
}

/** Whether a certificate is for time stamps and for nothing else, as RFC 3161 demands: critical, and the only use. */
export function isForStamps({ extensions }: StampCertificate): boolean {
  const use = extensions.get(oids.extendedKeyUsage);
  if (use?.critical !== true) return false;
  const uses = partsIn(readDer(use.value), tags.sequence).map(oidOf);
  if (uses.length !== 1 || uses[0] !== oids.timeStamping) return false;
  const bits = extensions.get(oids.keyUsage);
  if (bits === undefined) return true;
  // digitalSignature and contentCommitment are the first two bits; there may be no other.
  const [unused = 0, first = 0, ...rest] = expect(readDer(bits.value), 0x03).content;
  return unused < 8 && (first & 0xc0) !== 0 && (first & 0x3f) === 0 && rest.every((byte) => byte === 0);
}

export function isValidAt({ x509 }: StampCertificate, at: Date): boolean {
  return x509.validFromDate <= at && at <= x509.validToDate;
}

/**
 * Whether a path of certificates, each valid at that time, leads from this one to one that is trusted. Whoever gives a certificate trusts it,
 * whatever kind it is.
 */
export function leadsTo(
  trusted: readonly X509Certificate[],
  from: StampCertificate,
  others: readonly StampCertificate[],
  at: Date,
): boolean {
  const isTrusted = ({ raw }: StampCertificate): boolean => trusted.some((one) => one.raw.equals(raw));
  const anchors = trusted.map(({ raw }) => readCertificate(raw));
  let paths: StampCertificate[][] = [[from]];
  for (let length = 1; length <= lengthMax && paths.length > 0; length += 1) {
    const longer: StampCertificate[][] = [];
    for (const path of paths) {
      const [last] = path.slice(-1);
      if (last === undefined || !isValidAt(last, at)) continue;
      if (isTrusted(last)) return true;
      if (!isPlain(last)) continue;
      for (const issuer of [...anchors, ...others])
        if (!path.includes(issuer) && hasSigned(issuer, last, path.length - 1))
          longer.push([...path, issuer]);
    }
    paths = longer.slice(0, 32);
  }
  return false;
}

/** Nothing in it has to be understood that is not, and its signature is of a kind that nobody forges. */
function isPlain({ extensions, algorithm }: StampCertificate): boolean {
  return (
    [...extensions].every(([oid, { critical }]) => !critical || understood.has(oid)) &&
    signatureHashes[algorithm] !== undefined &&
    signatureHashes[algorithm] !== null
  );
}

/** @param below so many authorities stand between */
function hasSigned(issuer: StampCertificate, { x509 }: StampCertificate, below: number): boolean {
  const constraints = issuer.extensions.get(oids.basicConstraints);
  if (constraints === undefined) return false;
  const parts = takerOf(partsIn(readDer(constraints.value), tags.sequence));
  const authority = parts.maybe(tags.boolean);
  const most = parts.maybe(tags.integer);
  if (authority === null || !booleanOf(authority)) return false;
  if (most !== null && integerOf(most) < BigInt(below)) return false;
  // Names, and that the issuer's key is for certificates.
  return x509.checkIssued(issuer.x509) && hasStrongKey(issuer) && x509.verify(issuer.x509.publicKey);
}

export function hasStrongKey({ x509 }: StampCertificate): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = x509.publicKey;
  if (type === 'rsa') return (details?.modulusLength ?? 0) >= 2_048;
  return type === 'ec';
}
