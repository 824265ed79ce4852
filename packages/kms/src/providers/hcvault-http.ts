import { Buffer } from 'node:buffer';
import { NotAnswered } from './hcvault-errors.ts';
import type { TransitKey } from './hcvault-key.ts';

export interface Question {
  readonly path: string;
  readonly token?: string;
  /** Absent: a GET. */
  readonly body?: Readonly<Record<string, string>>;
}

const answerMaxBytes = 65_536;

/** One request; the members of its answer. Follows no redirect: a token is for this server only. */
export async function ask(
  { server, namespace }: Pick<TransitKey, 'server' | 'namespace'>,
  { path, token, body }: Question,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${server}/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'x-vault-request': 'true',
      ...(token === undefined ? {} : { 'x-vault-token': token }),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
    signal,
  });
  const answer = membersOf(await textOf(response));
  if (response.status === 200 && answer !== null) return answer;
  const errors = answer?.errors;
  throw new NotAnswered(response.status, Array.isArray(errors) ? errors.map(String) : null);
}

/** Reads no more than any answer of Vault to us has. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerMaxBytes) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

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
