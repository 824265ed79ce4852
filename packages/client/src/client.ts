import { type AuditQuery, type ExportForm, exportForms, exportRoute } from './audit-export.ts';
import { type CertificateForm, certificateForms, certificateRoute } from './certificate.ts';
import { type AnyOperationId, ClientError, errorOf } from './client-error.ts';
import {
  type AnswerOf,
  type AnyInput,
  type Described,
  type InputOf,
  isRepeatable,
  type OperationId,
  requestOf,
  urlOf,
} from './operation.ts';
import { operations } from './operations/index.ts';
import { patient, type RetryPolicy, withRetries } from './retry.ts';
import { type Rotation, type WaitOptions, waitFor } from './wait-for.ts';

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

/** An answer as it came, good or bad. */
interface Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The input may be left out where nothing of it is required. */
type Arguments<Id extends OperationId> =
  Record<never, never> extends InputOf<Id>
    ? [input?: InputOf<Id>, options?: CallOptions]
    : [input: InputOf<Id>, options?: CallOptions];

/** Every operation of the contract by its id: the answer's body, or a {@link ClientError}. */
type Calls = {
  readonly [Id in OperationId]: (...args: Arguments<Id>) => Promise<AnswerOf<Id>>;
};

export interface Client extends Calls {
  /** Starts a rotation; under a key, made if none is given, so that it may be attempted again without starting a second. */
  rotate(
    tenantId: string,
    options?: CallOptions & { readonly idempotencyKey?: string; readonly reason?: string },
  ): Promise<AnswerOf<'rotateDek'>['data']>;
  /** Follows a rotation until it has ended, however it has. */
  waitFor(rotationId: string, options?: WaitOptions): Promise<Rotation>;
  /** The signed certificate of a rotation as it was signed, to the byte: for a file. */
  certificate(
    rotationId: string,
    options?: CallOptions & { readonly form?: CertificateForm },
  ): Promise<string>;
  /** What was recorded, with its proofs, as it comes: for a file. Whether it is whole, its last line tells. */
  exportAudit(
    query: AuditQuery & { readonly checkpoint?: number },
    options?: CallOptions & { readonly form?: ExportForm },
  ): AsyncIterable<string>;
  /** One attempt, whose answer is told as it came. Throws only when none came, or one that is no JSON. */
  ask<Id extends OperationId>(id: Id, ...args: Arguments<Id>): Promise<Exchange>;
}

const timeoutDefaultMs = 10_000;

export function createClient(options: ClientOptions): Client {
  const { retry = patient } = options;

  const call = async (id: OperationId, input: AnyInput = {}, given: CallOptions = {}): Promise<unknown> => {
    const signal = anyOf(options.signal, given.signal);
    const attempt = async (): Promise<unknown> => {
      const answer = await exchange(options, id, input, signal);
      if (answer.status !== 200) throw errorOf(id, answer);
      return answer.body;
    };
    return withRetries(attempt, retry, isRepeatable(operations[id], input), signal);
  };
  const ids = Object.keys(operations) as OperationId[];
  // The parsed edge: a 200 of the contract's API is what its document says. Fields that are not known here are let be.
  const calls = Object.fromEntries(
    ids.map((id) => [id, (input?: AnyInput, given?: CallOptions) => call(id, input, given)]),
  ) as unknown as Calls;

  return {
    ...calls,
    async rotate(tenantId, { idempotencyKey = crypto.randomUUID(), reason, ...given } = {}) {
      const headers = { 'x-tenantid': tenantId, 'idempotency-key': idempotencyKey };
      const body = reason === undefined ? { tenantId } : { tenantId, reason };
      return (await calls.rotateDek({ headers, body }, given)).data;
    },
    waitFor(rotationId, wait = {}) {
      const signal = anyOf(options.signal, wait.signal);
      const given = wait.signal === undefined ? {} : { signal: wait.signal };
      const look = async (): Promise<Rotation> =>
        (await calls.getRotation({ path: { rotationId } }, given)).data;
      return waitFor(look, signal === undefined ? wait : { ...wait, signal });
    },
    certificate(rotationId, { form = 'dsse', ...given } = {}) {
      const signal = anyOf(options.signal, given.signal);
      const id = 'getRotationCertificate';
      const attempt = async (): Promise<string> => {
        const input = { path: { rotationId }, headers: { accept: certificateForms[form] } };
        const { text, ...answer } = await send(options, id, certificateRoute, input, signal);
        if (answer.status !== 200) throw errorOf(id, { ...answer, body: parsed(text) });
        return text;
      };
      return withRetries(attempt, retry, true, signal);
    },
    exportAudit: (query, { form = 'jsonl', ...given } = {}) =>
      readExport(
        options,
        { query, headers: { accept: exportForms[form] } },
        anyOf(options.signal, given.signal),
      ),
    ask: (id, ...[input, given]) =>
      exchange(options, id, input as AnyInput | undefined, anyOf(options.signal, given?.signal)),
  };
}

async function exchange(
  options: ClientOptions,
  id: OperationId,
  input: AnyInput = {},
  signal?: AbortSignal,
): Promise<Exchange> {
  const { status, headers, text } = await send(options, id, operations[id], input, signal);
  const body = parsed(text);
  if (body === undefined) throw errorOf(id, { status, headers, body });
  return { status, headers, body };
}

async function send(
  options: ClientOptions,
  id: AnyOperationId,
  route: Described,
  input: AnyInput,
  signal: AbortSignal | undefined,
): Promise<{ status: number; headers: Headers; text: string }> {
  const until = anyOf(signal, AbortSignal.timeout(options.timeoutMs ?? timeoutDefaultMs));
  return answering(options.url, id, signal, async () => {
    const response = await begin(options, route, input, until);
    return { status: response.status, headers: response.headers, text: await response.text() };
  });
}

async function begin(
  { url, token, realm }: ClientOptions,
  route: Described,
  input: AnyInput,
  signal: AbortSignal | undefined,
): Promise<Response> {
  signal?.throwIfAborted();
  const bearer = typeof token === 'string' ? token : await token();
  const ours = { authorization: `Bearer ${bearer}`, accept: 'application/json' };
  const request = requestOf(route, input, realm === undefined ? ours : { ...ours, realmname: realm });
  // A token is for the one it is sent to.
  return fetch(urlOf(url, route, input), { ...request, redirect: 'error', signal: signal ?? null });
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
    const message = `${id} got no answer from ${new URL(url).host} (${reasonOf(cause)})`;
    throw new ClientError('NO_ANSWER', message, { operation: id, cause });
  }
}

/** Without an attempt more: what has been handed on already cannot be taken back. The time is that of one part. */
async function* readExport(
  options: ClientOptions,
  input: AnyInput,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const id = 'exportAudit';
  const { url, timeoutMs = timeoutDefaultMs } = options;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('silence')), timeoutMs);
  try {
    const response = await answering(url, id, signal, () =>
      begin(options, exportRoute, input, anyOf(signal, silence.signal)),
    );
    if (response.status !== 200) {
      const { status, headers } = response;
      throw errorOf(id, {
        status,
        headers,
        body: parsed(await answering(url, id, signal, () => response.text())),
      });
    }
    const parts = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      clearTimeout(timer);
      const silent = setTimeout(() => silence.abort(new Error('silence')), timeoutMs);
      const part = await answering(url, id, signal, async () => parts?.read()).finally(() =>
        clearTimeout(silent),
      );
      if (part === undefined || part.done) return;
      yield part.value;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** What stands behind `fetch failed`, if anything does. */
function reasonOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const { cause } = failure;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : failure.message;
}

/** Undefined when it is no JSON: a proxy's page, or an answer that was cut short. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function anyOf(...signals: ReadonlyArray<AbortSignal | undefined>): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
