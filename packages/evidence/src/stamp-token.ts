import { createHash } from 'node:crypto';
import {
  booleanOf,
  contextTag,
  type Der,
  DerError,
  expect,
  integerOf,
  oidOf,
  partsIn,
  readDer,
  tags,
  takerOf,
} from './der.ts';

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  stampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const hashes: Readonly<Record<string, HashName>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** A time stamp, taken apart and not verified: RFC 3161 in RFC 5652. */
export interface StampToken {
  /** What is stamped, by its hash. */
  readonly imprint: { readonly hash: HashName; readonly digest: Buffer };
  readonly at: Date;
  /** How much later it may have been. */
  readonly accuracyMs: number;
  readonly nonce: bigint | null;
  /** The certificates that came with it. */
  readonly certificates: readonly Buffer[];
  readonly signer: {
    /** As they stand in its certificate. */
    readonly issuer: Buffer;
    readonly serial: Buffer;
    /** Hashes of its certificate, by what is signed; the first of each list. */
    readonly certificateHashes: ReadonlyArray<{ readonly hash: HashName; readonly digest: Buffer }>;
    readonly hash: HashName;
    readonly algorithm: string;
    /** What the signature is over. */
    readonly message: Buffer;
    readonly signature: Buffer;
  };
}

/** Throws `DerError`: it is none, or not as those of which we know what all of it means. */
export function readToken(bytes: Buffer): StampToken {
  const outer = takerOf(partsIn(readDer(bytes), tags.sequence));
  if (oidOf(outer.take(tags.oid)) !== oids.signedData) throw new DerError('nothing signed');
  const [inner, ...more] = partsIn(outer.take(contextTag(0)), contextTag(0));
  outer.end();
  if (more.length > 0) throw new DerError('more than one content');
  const data = takerOf(partsIn(inner, tags.sequence));
  if (integerOf(data.take(tags.integer)) !== 3n) throw new DerError('another version');
  const digests = partsIn(data.take(tags.set), tags.set).map(hashOf);
  const info = infoIn(data.take(tags.sequence));
  const certificates = data.maybe(contextTag(0));
  data.maybe(contextTag(1)); // revocation lists, of which we take no notice
  const signers = partsIn(data.take(tags.set), tags.set);
  data.end();
  const [signer] = signers;
  if (signer === undefined || signers.length > 1) throw new DerError('not one signer');
  const read = signerIn(signer, info);
  if (!digests.includes(read.hash)) throw new DerError('another digest');
  const raw = certificates === null ? [] : partsIn(certificates, contextTag(0));
  return {
    ...stampInfo(info),
    certificates: raw.map((one) => expect(one, tags.sequence).whole),
    signer: read,
  };
}

function infoIn(encapsulated: Der): Buffer {
  const parts = takerOf(partsIn(encapsulated, tags.sequence));
  if (oidOf(parts.take(tags.oid)) !== oids.stampInfo) throw new DerError('no stamp');
  const [octets, ...more] = partsIn(parts.take(contextTag(0)), contextTag(0));
  parts.end();
  if (more.length > 0) throw new DerError('more than one stamp');
  return expect(octets, tags.octets).content;
}

function stampInfo(bytes: Buffer): Pick<StampToken, 'imprint' | 'at' | 'accuracyMs' | 'nonce'> {
  const parts = takerOf(partsIn(readDer(bytes), tags.sequence));
  if (integerOf(parts.take(tags.integer)) !== 1n) throw new DerError('another version');
  oidOf(parts.take(tags.oid)); // the authority's policy: whom it binds is the authority
  const imprint = takerOf(partsIn(parts.take(tags.sequence), tags.sequence));
  const hash = hashOf(imprint.take(tags.sequence));
  const digest = imprint.take(tags.octets).content;
  imprint.end();
  integerOf(parts.take(tags.integer)); // its serial number
  const at = timeOf(parts.take(tags.generalizedTime));
  const accuracy = parts.maybe(tags.sequence);
  const ordering = parts.maybe(tags.boolean);
  if (ordering !== null) booleanOf(ordering);
  const nonce = parts.maybe(tags.integer);
  parts.maybe(contextTag(0)); // the authority's name, which its certificate says
  const extensions = parts.maybe(contextTag(1));
  parts.end();
  // What has to be understood and is not; nothing is known that has to be.
  for (const extension of extensions === null ? [] : partsIn(extensions, contextTag(1)))
    if (partsIn(extension, tags.sequence).some(({ tag }) => tag === tags.boolean))
      throw new DerError('an extension that is critical');
  return {
    imprint: { hash, digest },
    at,
    accuracyMs: accuracyOf(accuracy),
    nonce: nonce === null ? null : integerOf(nonce),
  };
}

function signerIn(signer: Der, info: Buffer): StampToken['signer'] {
  const parts = takerOf(partsIn(signer, tags.sequence));
  if (integerOf(parts.take(tags.integer)) !== 1n) throw new DerError('a signer that is named otherwise');
  const name = takerOf(partsIn(parts.take(tags.sequence), tags.sequence));
  const issuer = name.take(tags.sequence).whole;
  const serial = name.take(tags.integer).whole;
  name.end();
  const hash = hashOf(parts.take(tags.sequence));
  const attributes = parts.take(contextTag(0));
  const algorithm = algorithmOf(parts.take(tags.sequence));
  const signature = parts.take(tags.octets).content;
  parts.maybe(contextTag(1)); // what is not signed says nothing
  parts.end();
  const signed = attributesIn(attributes);
  const digest = createHash(hash).update(info).digest();
  if (oidOf(signed.get(oids.contentType)) !== oids.stampInfo) throw new DerError('no stamp');
  if (!expect(signed.get(oids.messageDigest), tags.octets).content.equals(digest))
    throw new DerError('another content than was signed');
  // The signature is over them as a set, though they stand in another place.
  const message = Buffer.concat([Buffer.from([tags.set]), attributes.whole.subarray(1)]);
  const certificateHashes = certificateHashesIn(signed);
  return { issuer, serial, certificateHashes, hash, algorithm, message, signature };
}

/** Each once, and with one value. */
function attributesIn(attributes: Der): Map<string, Der> {
  const found = new Map<string, Der>();
  for (const attribute of partsIn(attributes, contextTag(0))) {
    const parts = takerOf(partsIn(attribute, tags.sequence));
    const oid = oidOf(parts.take(tags.oid));
    const [value, ...more] = partsIn(parts.take(tags.set), tags.set);
    parts.end();
    if (value === undefined || more.length > 0 || found.has(oid))
      throw new DerError('an attribute more than once');
    found.set(oid, value);
  }
  return found;
}

/** RFC 5816 and, before it, RFC 2634: which certificate the signer says it has. */
function certificateHashesIn(signed: Map<string, Der>): StampToken['signer']['certificateHashes'] {
  const found = [];
  const newer = signed.get(oids.signingCertificateV2);
  if (newer !== undefined) {
    const id = takerOf(firstId(newer));
    const hash = id.maybe(tags.sequence);
    found.push({
      hash: hash === null ? ('sha256' as const) : hashOf(hash),
      digest: id.take(tags.octets).content,
    });
  }
  const older = signed.get(oids.signingCertificate);
  if (older !== undefined)
    found.push({ hash: 'sha1' as const, digest: takerOf(firstId(older)).take(tags.octets).content });
  if (found.length === 0) throw new DerError('a signer without a certificate');
  return found;
}

function firstId(signingCertificate: Der): Der[] {
  const [ids] = partsIn(signingCertificate, tags.sequence);
  const [id] = partsIn(ids, tags.sequence);
  return partsIn(id, tags.sequence);
}

/** Of MD5 and SHA-1 none. */
function hashOf(value: Der): HashName {
  const name = hashes[algorithmOf(value)];
  if (name === undefined) throw new DerError('a hash that is not known');
  return name;
}

/** An AlgorithmIdentifier's, with a NULL or without. */
function algorithmOf(value: Der): string {
  const parts = takerOf(partsIn(value, tags.sequence));
  const algorithm = oidOf(parts.take(tags.oid));
  const parameters = parts.maybe(tags.null);
  parts.end();
  if (parameters !== null && parameters.content.length > 0) throw new DerError('a malformed algorithm');
  return algorithm;
}

function timeOf({ content }: Der): Date {
  const text = content.toString('latin1');
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]{0,8}[1-9])?Z$/.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const at = new Date(`${iso}${fraction.slice(0, 4)}Z`);
  // Node takes the 31st of February for a day in March.
  if (Number.isNaN(at.getTime()) || !at.toISOString().startsWith(iso)) throw new DerError('a malformed time');
  return at;
}

/** Where nothing is said of it, a second: most authorities say what time it is in whole ones. */
function accuracyOf(accuracy: Der | null): number {
  if (accuracy === null) return 1_000;
  const parts = takerOf(partsIn(accuracy, tags.sequence));
  const seconds = parts.maybe(tags.integer);
  const [millis, micros] = [parts.maybe(0x80), parts.maybe(0x81)];
  parts.end();
  const number = (value: Der | null, most: bigint): number => {
    const read = value === null ? 0n : integerOf({ ...value, tag: tags.integer });
    if (read < 0n || read > most) throw new DerError('a malformed accuracy');
    return Number(read);
  };
  return number(seconds, 1_000_000_000n) * 1_000 + number(millis, 999n) + (number(micros, 999n) > 0 ? 1 : 0);
}
