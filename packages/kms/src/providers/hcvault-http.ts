import type { TransitKey } from '../key-names/hcvault.ts';
import { membersOf, textOf } from '../read-answer.ts';
import { NotAnswered } from './hcvault-errors.ts';

export interface Question {
  readonly path: string;
  readonly token?: string;
  /** Absent: a GET. */
  readonly body?: Readonly<Record<string, string>>;
}

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
