import { isSecureUrl } from '@rekey/runtime';
import type { JWK } from 'jose';

/** An issuer that has not answered by then is away. */
const fetchTimeoutMs = 2_000;
/** Many times what issuers publish; a document beyond it is not read to its end. */
const bytesMax = 512 * 1024;
const keysMax = 500;

/**
 * The keys that an issuer publishes for signatures, found by discovery. Throws for anything that is not exactly
 * that: redirects, other issuers, plain HTTP beyond this machine, documents without end, and sets without a key,
 * which a restarting issuer serves for a moment.
 */
export async function fetchIssuerKeys(issuer: string): Promise<JWK[]> {
  const discovered = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (discovered.issuer !== issuer) throw new Error('discovery speaks for another issuer');
  const { jwks_uri: uri } = discovered;
  if (typeof uri !== 'string') throw new Error('discovery has no keys');
  // Plain HTTP to this machine is for an issuer on this machine: nobody else's document may send us there.
  if (!isSecureUrl(uri) || (!uri.startsWith('https:') && issuer.startsWith('https:'))) {
    throw new Error('keys without TLS');
  }
  const { keys } = await fetchJson(uri);
  if (!Array.isArray(keys) || keys.length > keysMax) throw new Error('not a set of keys, or one of too many');
  const usable = keys.filter(isSigningKey);
  if (usable.length === 0) throw new Error('a set of keys without one that signs');
  return usable;
}

function isSigningKey(key: unknown): key is JWK {
  return (
    isRecord(key) &&
    (key.kty === 'RSA' || key.kty === 'EC') &&
    (key.use === undefined || key.use === null || key.use === 'sig')
  );
}

async function fetchJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error('the issuer did not answer with success');
  }
  const document: unknown = JSON.parse(await textOf(response));
  if (!isRecord(document)) throw new Error('the issuer did not answer an object');
  return document;
}

/** Counted as they come and unpacked: a length that is told may be wrong, and a megabyte packed be a gigabyte. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Error('the issuer answered without end');
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
