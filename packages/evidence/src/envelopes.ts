import { canonicalJson } from './canonical-json.ts';
import type { Signer } from './signer.ts';

export const payloadType = 'application/vnd.in-toto+json';

/** Signed bytes out of an envelope, not verified yet. */
export interface Signed {
  readonly form: 'dsse' | 'jws';
  readonly kid: string;
  readonly payload: Buffer;
  /** What the signature is over. */
  readonly message: Buffer;
  readonly signature: Buffer;
}

/** The payload as a DSSE envelope and as a compact JWS, each with a signature of its own. */
export async function seal(payload: Buffer, signer: Signer): Promise<{ dsse: string; jws: string }> {
  const header = canonicalJson({ alg: 'EdDSA', kid: signer.kid, typ: payloadType });
  const input = `${Buffer.from(header).toString('base64url')}.${payload.toString('base64url')}`;
  const dsseSignature = await signer.sign(preAuthenticationEncoding(payloadType, payload));
  const jwsSignature = await signer.sign(Buffer.from(input, 'ascii'));
  return {
    dsse: canonicalJson({
      payload: payload.toString('base64'),
      payloadType,
      signatures: [{ keyid: signer.kid, sig: dsseSignature.toString('base64') }],
    }),
    jws: `${input}.${jwsSignature.toString('base64url')}`,
  };
}

/** DSSE's PAE: what is signed cannot be read as another type, or cut elsewhere. */
export function preAuthenticationEncoding(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

/**
 * Takes either form apart. Null: it is neither, or not as these are written: base64 with stray bits, a member or a header that
 * nobody asked for.
 */
export function openEnvelope(text: string): Signed | 'WRONG_TYPE' | null {
  const trimmed = text.trim();
  return trimmed.startsWith('{') ? openDsse(trimmed) : openJws(trimmed);
}

function openDsse(text: string): Signed | 'WRONG_TYPE' | null {
  const envelope = parse(text);
  if (!hasExactly(envelope, ['payload', 'payloadType', 'signatures'])) return null;
  const { signatures } = envelope;
  if (!Array.isArray(signatures) || signatures.length !== 1) return null;
  const [signature] = signatures as unknown[];
  if (!hasExactly(signature, ['keyid', 'sig']) || typeof signature.keyid !== 'string') return null;
  const payload = decode(envelope.payload, 'base64');
  const bytes = decode(signature.sig, 'base64');
  if (payload === null || bytes === null) return null;
  if (envelope.payloadType !== payloadType) return 'WRONG_TYPE';
  const message = preAuthenticationEncoding(payloadType, payload);
  return { form: 'dsse', kid: signature.keyid, payload, message, signature: bytes };
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
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function hasExactly(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).sort().join() === names.join();
}
