import type { GcpKey } from '../key-names/gcp-kms.ts';
import { membersOf, textOf } from '../read-answer.ts';
import { NotAnswered, type Operation } from './gcp-kms-errors.ts';

/** One request; the members of its answer. Follows no redirect: a token is for this server only. */
export async function ask(
  { endpoint, name }: Pick<GcpKey, 'endpoint' | 'name'>,
  operation: Operation,
  credentials: Headers,
  body: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const headers = new Headers(credentials);
  headers.set('content-type', 'application/json');
  const response = await fetch(`${endpoint}/v1/${name}:${operation}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    redirect: 'manual',
    signal,
  });
  const answer = membersOf(await textOf(response));
  if (response.status === 200 && answer !== null) return answer;
  const error = membersOf(answer?.error);
  const status = error?.status;
  throw new NotAnswered(
    response.status,
    typeof status === 'string' ? { status, text: String(error?.message) } : null,
    response.headers.get('date'),
  );
}
