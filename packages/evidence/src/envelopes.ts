import { canonicalJson } from './canonical-json.ts';
import { isObject } from './event.ts';
import { parseOneForm } from './one-form-json.ts';
import type { Signer } from './signer.ts';

export const payloadType = 'application/vnd.in-toto+json';

/** Signed bytes out of an envelope, not verified yet. */
export interface Signed {
  readonly form: 'dsse' | 'jws' | 'bundle';
  readonly kid: string;
  readonly payload: Buffer;
  /** What the signature is over. */
  readonly message: Buffer;
  readonly signature: Buffer;
  /** A second one over the same; null: there is none. */
  readonly second: { readonly kid: string; readonly signature: Buffer } | null;
  /** An answer of a time stamp authority over the signature, as it came; null: none came with it. */
  readonly stamp: Buffer | null;
}

/**
 * The payload as a DSSE envelope and as a compact JWS, each with a signature of its own. @param second signs the envelope, too
 */
export async function seal(
  payload: Buffer,
  signer: Signer,
  second: Signer | null = null,
): Promise<{ dsse: string; jws: string }> {
  const header = canonicalJson({ alg: 'EdDSA', kid: signer.kid, typ: payloadType });
  const input = `${Buffer.from(header).toString('base64url')}.${payload.toString('base64url')}`;
  const message = preAuthenticationEncoding(payloadType, payload);
  const signatures = [];
  for (const { kid: keyid, sign } of second === null ? [signer] : [signer, second])
    signatures.push({ keyid, sig: (await sign(message)).toString('base64') });
  const jwsSignature = await signer.sign(Buffer.from(input, 'ascii'));
  return {
    dsse: canonicalJson({
      payload: payload.toString('base64'),
      payloadType,
      signatures,
    }),
    jws: `${input}.${jwsSignature.toString('base64url')}`,
  };
}

/** DSSE's PAE: what is signed cannot be read as another type, or cut elsewhere. */
export function preAuthenticationEncoding(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

/** What stands in Sigstore's bundles for a key that the verifier has, version 0.3. */
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** The envelope as Sigstore's bundle, with a time stamp over its signature. @param stamp an authority's answer, or null */
export function bundleOf(dsse: string, stamp: Buffer | null): string {
  const envelope = JSON.parse(dsse) as { signatures: [{ keyid: string; sig: string }] };
  const [{ keyid, sig }] = envelope.signatures;
  const stamps =
    stamp === null ? null : { rfc3161Timestamps: [{ signedTimestamp: stamp.toString('base64') }] };
  return canonicalJson({
    // Of its signatures the first, for with two a bundle is refused; and named by the hint: programs that find another id than
    // they make of a key themselves pass over the signature.
    dsseEnvelope: { ...envelope, signatures: [{ sig }] },
    mediaType: bundleType,
    verificationMaterial: {
      publicKey: { hint: keyid },
      ...(stamps !== null && { timestampVerificationData: stamps }),
    },
  });
}

/** What a time stamp of an envelope is over: its signature, so that the use of the key is what is dated. */
export function stampedBytes(dsse: string): Buffer {
  const { signatures } = JSON.parse(dsse) as { signatures: [{ sig: string }] };
  return Buffer.from(signatures[0].sig, 'base64');
}

/**
 * Takes any of the forms apart. Null: it is none, or not as these are written: base64 with stray bits, a member or a header that
 * nobody asked for, or one twice.
 */
export function openEnvelope(text: string): Signed | 'WRONG_TYPE' | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return openJws(trimmed);
  const value = parse(trimmed);
  return isObject(value) && 'mediaType' in value ? openBundle(value) : openDsse(value);
}

function openBundle(bundle: unknown): Signed | 'WRONG_TYPE' | null {
  if (!hasExactly(bundle, ['dsseEnvelope', 'mediaType', 'verificationMaterial'])) return null;
  if (bundle.mediaType !== bundleType) return 'WRONG_TYPE';
  const material = bundle.verificationMaterial;
  const hasStamp = isObject(material) && 'timestampVerificationData' in material;
  if (!hasExactly(material, ['publicKey', ...(hasStamp ? ['timestampVerificationData'] : [])])) return null;
  const { publicKey, timestampVerificationData: stamps } = material;
  if (!hasExactly(publicKey, ['hint']) || typeof publicKey.hint !== 'string') return null;
  const signed = openDsse(bundle.dsseEnvelope, publicKey.hint);
  if (signed === null || signed === 'WRONG_TYPE') return signed;
  if (!hasStamp) return { ...signed, form: 'bundle' };
  if (!hasExactly(stamps, ['rfc3161Timestamps']) || !Array.isArray(stamps.rfc3161Timestamps)) return null;
  const [stamp, ...more] = stamps.rfc3161Timestamps as unknown[];
  if (more.length > 0 || !hasExactly(stamp, ['signedTimestamp'])) return null;
  const bytes = decode(stamp.signedTimestamp, 'base64');
  return bytes === null ? null : { ...signed, form: 'bundle', stamp: bytes };
}

/** @param hint which key signed it, where the signature does not say so itself */
function openDsse(envelope: unknown, hint?: string): Signed | 'WRONG_TYPE' | null {
  if (!hasExactly(envelope, ['payload', 'payloadType', 'signatures'])) return null;
  const { signatures } = envelope;
  if (!Array.isArray(signatures) || signatures.length > (hint === undefined ? 2 : 1)) return null;
  const [first, second = null] = (signatures as unknown[]).map((one) => signatureOf(one, hint));
  const payload = decode(envelope.payload, 'base64');
  if (payload === null || !first || (signatures.length > 1 && second === null)) return null;
  if (envelope.payloadType !== payloadType) return 'WRONG_TYPE';
  const message = preAuthenticationEncoding(payloadType, payload);
  return { form: 'dsse', ...first, payload, message, second, stamp: null };
}

function signatureOf(value: unknown, hint?: string): { kid: string; signature: Buffer } | null {
  if (!hasExactly(value, hint === undefined ? ['keyid', 'sig'] : ['sig'])) return null;
  const kid = hint ?? value.keyid;
  const signature = decode(value.sig, 'base64');
  return signature === null || typeof kid !== 'string' ? null : { kid, signature };
}

function openJws(text: string): Signed | 'WRONG_TYPE' | null {
  const [head, body, tail, ...more] = text.split('.');
  const header = parse(decode(head, 'base64url')?.toString('utf8') ?? '');
  const payload = decode(body, 'base64url');
  const signature = decode(tail, 'base64url');
  if (more.length > 0 || payload === null || signature === null) return null;
  if (!hasExactly(header, ['alg', 'kid', 'typ']) || typeof header.kid !== 'string') return null;
  if (header.typ !== payloadType || header.alg !== 'EdDSA') return 'WRONG_TYPE';
  return {
    form: 'jws',
    kid: header.kid,
    payload,
    message: Buffer.from(`${head}.${body}`, 'ascii'),
    signature,
    second: null,
    stamp: null,
  };
}

/** Node passes over what is no base64; here it has one form only. */
function decode(text: unknown, encoding: 'base64' | 'base64url'): Buffer | null {
  if (typeof text !== 'string') return null;
  const bytes = Buffer.from(text, encoding);
  return bytes.toString(encoding) === text ? bytes : null;
}

function parse(text: string): unknown {
  try {
    return parseOneForm(text);
  } catch {
    return null;
  }
}

function hasExactly(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  return isObject(value) && Object.keys(value).sort().join() === names.join();
}
