import { type AnyOperationId, ClientError, errorOf } from './client-error.ts';
import { type AnyInput, type Described, requestOf, urlOf } from './operation.ts';
import type { RetryPolicy } from './retry.ts';

export interface ClientOptions {
  /** Where the API is, as in `https://rekey.example.com`. */
  readonly url: string;
  /** Or what makes one; it is asked before every attempt. */
  readonly token: string | (() => string | Promise<string>);
  /** The realm that issued the token, unless it is the default one. */
  readonly realm?: string;
  /** Of one attempt. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Ends whatever this client does. */
  readonly signal?: AbortSignal;
}

const timeoutDefaultMs = 10_000;

/** One exchange whose answer is read whole. */
export async function send(
  options: ClientOptions,
  id: AnyOperationId,
  route: Described,
  input: AnyInput,
  signal: AbortSignal | undefined,
): Promise<{ status: number; headers: Headers; text: string }> {
  const until = anyOf(signal, AbortSignal.timeout(options.timeoutMs ?? timeoutDefaultMs));
  return answering(options.url, id, signal, async () => {
    const response = await begin(options, id, route, input, until);
    return { status: response.status, headers: response.headers, text: await response.text() };
  });
}

async function begin(
  { url, token, realm }: ClientOptions,
  id: AnyOperationId,
  route: Described,
  input: AnyInput,
  signal: AbortSignal | undefined,
): Promise<Response> {
  signal?.throwIfAborted();
  const bearer = typeof token === 'string' ? token : await tokenFrom(token, id, signal);
  const ours = { authorization: `Bearer ${bearer}`, accept: 'application/json' };
  const headers = realm === undefined ? ours : { ...ours, realmname: realm };
  let target: string;
  let request: RequestInit;
  try {
    target = urlOf(url, route, input);
    // A token is for the one it is sent to; that somebody sent us on is told as what was answered.
    request = { ...requestOf(route, input, headers), redirect: 'manual' };
    // Only tried: a Request that is handed over and then collected no longer heeds its signal.
    void new Request(target, request);
  } catch {
    // What was thrown quotes what could not be sent, and so the token.
    const message = `${id} was not sent: the URL, an id in the path, a header, the body or the token is malformed`;
    throw new ClientError('INVALID_REQUEST', message, { operation: id });
  }
  return fetch(target, { ...request, signal: signal ?? null });
}

/** Whoever makes tokens may be away as the API may: it has the time of the attempt, and another attempt. */
async function tokenFrom(
  make: () => string | Promise<string>,
  id: AnyOperationId,
  signal: AbortSignal | undefined,
): Promise<string> {
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(signal?.reason);
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([Promise.resolve().then(make), ended.promise]);
  } catch (cause) {
    const message = `${id} was not sent: no token was to be had (${reasonOf(cause)})`;
    throw new ClientError('NO_ANSWER', message, { operation: id, cause });
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

async function answering<T>(
  url: string,
  id: AnyOperationId,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ClientError) throw cause;
    // In a browser it may be a path of the page's own server.
    const host = URL.canParse(url) ? new URL(url).host : url;
    const message = `${id} got no answer from ${host} (${reasonOf(cause)})`;
    throw new ClientError('NO_ANSWER', message, { operation: id, cause });
  }
}

interface Opened {
  readonly response: Response;
  /** Ends the connection. */
  readonly silence: AbortController;
}

/** A route whose answers are no JSON to be read at once, and the media type that is asked for. */
export interface Streamed extends Described {
  readonly type: string;
}

/** A 200 of that type whose body is still to be read, at whatever pace; throws what else was answered. */
export async function openBody(
  options: ClientOptions,
  id: AnyOperationId,
  { type, ...route }: Streamed,
  { headers, ...input }: AnyInput,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const { url, timeoutMs = timeoutDefaultMs } = options;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('silence')), timeoutMs);
  try {
    const response = await answering(url, id, signal, () =>
      begin(
        options,
        id,
        route,
        { ...input, headers: { ...headers, accept: type } },
        anyOf(signal, silence.signal),
      ),
    );
    if (response.status !== 200) {
      const body = parsed(await answering(url, id, signal, () => response.text()));
      throw errorOf(id, { status: response.status, headers: response.headers, body });
    }
    if (isOfType(response, type)) return { response, silence };
    // Something between that answers for itself, perhaps without end.
    silence.abort();
    throw errorOf(id, { status: 200, headers: response.headers, body: undefined });
  } finally {
    clearTimeout(timer);
  }
}

/** Without an attempt more: what has been handed on already cannot be taken back. The time is that of one part. */
export async function* readParts(
  options: ClientOptions,
  id: AnyOperationId,
  route: Streamed,
  input: AnyInput,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const { url, timeoutMs = timeoutDefaultMs } = options;
  const { response, silence } = await openBody(options, id, route, input, signal);
  try {
    const parts = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const silent = setTimeout(() => silence.abort(new Error('silence')), timeoutMs);
      const part = await answering(url, id, signal, async () => parts?.read()).finally(() =>
        clearTimeout(silent),
      );
      if (part === undefined || part.done) return;
      yield part.value;
    }
  } finally {
    silence.abort();
  }
}

/** What stands behind `fetch failed`, if anything does. */
function reasonOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  if (failure.name === 'TimeoutError') return 'time-out';
  const { cause } = failure;
  if (!(cause instanceof Error)) return failure.message;
  // Every address of a name was tried: each has its own.
  const [first = cause] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  const code = first instanceof Error && 'code' in first ? first.code : undefined;
  return typeof code === 'string' ? code : cause.message || failure.message;
}

/** Whether that is what came: a login's page is answered with 200, too. */
export const isOfType = ({ headers }: { readonly headers: Headers }, type: string): boolean =>
  headers.get('content-type')?.startsWith(type) === true;

/** Undefined when it is no JSON: a proxy's page, or an answer that was cut short. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function anyOf(...signals: ReadonlyArray<AbortSignal | undefined>): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
