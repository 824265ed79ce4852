import type { Operations } from './operations/index.ts';

export type OperationId = keyof Operations;
export type InputOf<Id extends OperationId> = Operations[Id]['input'];
export type AnswerOf<Id extends OperationId> = Operations[Id]['answer'];

/** The input of any operation, part by part. */
export interface AnyInput {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

export interface Described {
  readonly method: string;
  readonly path: string;
}

/** Where a call goes. Throws for an id that would lead to another operation: URLs take dots away, encoded ones too. */
export function urlOf(base: string, { path }: Described, { path: named = {}, query = {} }: AnyInput): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = named[name] ?? '';
    if (/^\.{0,2}$/.test(id)) throw new TypeError(`${name} is no id`);
    return encodeURIComponent(id);
  });
  const asked = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
  return `${base.replace(/\/+$/, '')}${filled}${search === '' ? '' : `?${search}`}`;
}

/** What goes there: method, headers in lower case, body. Headers that are given replace ours. */
export function requestOf({ method }: Described, input: AnyInput, ours: Record<string, string>): RequestInit {
  const headers = new Headers(ours);
  for (const [name, value] of Object.entries(input.headers ?? {})) {
    if (value !== undefined) headers.set(name, value);
  }
  if (input.body === undefined) return { method, headers };
  if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  return { method, headers, body: JSON.stringify(input.body) };
}

/** Whether a call may be made twice: it only reads, its method says so, or its key makes the API tell the first one's answer. */
export function isRepeatable({ method }: Described, { headers = {} }: AnyInput): boolean {
  return (
    method === 'GET' || method === 'PUT' || method === 'DELETE' || headers['idempotency-key'] !== undefined
  );
}
