import { Buffer } from 'node:buffer';

const answerMaxBytes = 65_536;

/** Reads no more than any answer of a KMS to us has, and hangs up on what is longer, which is as good as none. */
export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > answerMaxBytes) return Buffer.alloc(0);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function textOf({ body }: Response): Promise<string> {
  return body === null ? '' : (await bytesOf(body)).toString('utf8');
}

/** Of an object, or of JSON that is one. */
export function membersOf(given: unknown): Readonly<Record<string, unknown>> | null {
  let value = given;
  if (typeof given === 'string') {
    try {
      value = JSON.parse(given);
    } catch {
      return null;
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** Why there is no answer: by the code of the system, of TLS or of Node's HTTP client, never by its text. */
export function unreached(error: unknown): string {
  const cause = error instanceof Error && 'cause' in error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^[A-Z][A-Z0-9_]{2,50}$/.test(code) ? `cannot be reached (${code})` : 'cannot be reached';
}
