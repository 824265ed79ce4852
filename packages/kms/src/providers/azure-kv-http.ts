import { clockOff } from '../clock-off.ts';
import type { AzureKey } from '../key-names/azure-kv.ts';
import { membersOf, textOf } from '../read-answer.ts';
import { NotAnswered, type Operation, StrangeChallenge } from './azure-kv-errors.ts';

const apiVersion = '2025-07-01';

type Members = Readonly<Record<string, unknown>>;

/** One request. Follows no redirect: a token is for this vault only. Without a version the latest is used. */
function send(
  key: AzureKey,
  operation: Operation,
  version: string,
  more: { readonly headers: Record<string, string>; readonly body: string; readonly signal: AbortSignal },
): Promise<Response> {
  const path = `${key.origin}/keys/${key.name}/${version}/${operation}?api-version=${apiVersion}`;
  return fetch(path, { method: 'POST', redirect: 'manual', ...more });
}

export async function ask(
  key: AzureKey,
  operation: Operation,
  version: string,
  value: Buffer,
  { token, signal }: { readonly token: string; readonly signal: AbortSignal },
): Promise<Members> {
  const response = await send(key, operation, version, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ alg: key.algorithm, value: value.toString('base64url') }),
    signal,
  });
  const answer = membersOf(await textOf(response));
  if (response.status === 200 && answer !== null) return answer;
  throw new NotAnswered(response.status, codesOf(answer?.error), clockOff(response.headers.get('date')));
}

/** Whom the vault says a token must be for: asked without a token and without a key, and held against its own domain. */
export async function challenge(
  key: AzureKey,
  signal: AbortSignal,
): Promise<{ readonly audience: string; readonly off: string | null }> {
  const response = await send(key, 'wrapkey', '', { headers: {}, body: '', signal });
  const answer = membersOf(await textOf(response));
  if (response.status !== 401)
    throw new NotAnswered(response.status, codesOf(answer?.error), clockOff(response.headers.get('date')));
  const header = response.headers.get('www-authenticate') ?? '';
  const named = /\b(?:resource|scope)="([^"\s]{1,200})"/.exec(header)?.[1] ?? '';
  const audience = URL.parse(named.replace(/\/\.default$/, ''));
  const { protocol } = new URL(key.origin);
  if (
    audience === null ||
    audience.hostname !== key.audienceHost ||
    audience.protocol !== protocol ||
    !['', '/'].includes(audience.pathname + audience.search + audience.hash) ||
    audience.username !== '' ||
    audience.password !== ''
  )
    throw new StrangeChallenge();
  return { audience: audience.origin, off: clockOff(response.headers.get('date')) };
}

function codesOf(error: unknown): string[] | null {
  const codes: string[] = [];
  for (let at = membersOf(error); at !== null && codes.length < 4; at = membersOf(at.innererror))
    if (typeof at.code === 'string') codes.push(at.code);
  return codes.length === 0 ? null : codes;
}
