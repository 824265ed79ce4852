import { type AuditQuery, type ExportForm, exportForms, exportRoute } from './audit-export.ts';
import { type CertificateForm, certificateForms, certificateOf, certificateRoutes } from './certificate.ts';
import { errorOf, recordIn } from './client-error.ts';
import { followRotation, followRoute, type Told } from './follow.ts';
import {
  type AnswerOf,
  type AnyInput,
  type Described,
  type InputOf,
  isRepeatable,
  type OperationId,
} from './operation.ts';
import { operations } from './operations/index.ts';
import { patient, withRetries } from './retry.ts';
import { anyOf, type ClientOptions, isOfType, openBody, parsed, readParts, send } from './transport.ts';
import { type Plan, type Rotation, type WaitOptions, waitFor, waitForPlan } from './wait-for.ts';

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
    options?: CallOptions & {
      readonly idempotencyKey?: string;
      readonly reason?: string;
      readonly planId?: string;
      readonly kek?: string;
      readonly compromise?: true;
    },
  ): Promise<AnswerOf<'rotateDek'>['data']>;
  /** Follows a rotation until it has ended, however it has. */
  waitFor(rotationId: string, options?: WaitOptions): Promise<Rotation>;
  /** Follows a plan until it is made, or could not be. */
  waitForPlan(planId: string, options?: WaitOptions<Plan>): Promise<Plan>;
  /**
   * Everything that is told of a rotation until it has ended, as it comes. Connections that break are made anew, each as
   * patiently as any call: events behind `lastEventId` (an event's `sequence`) come, each once.
   */
  follow(rotationId: string, options?: CallOptions & { readonly lastEventId?: number }): AsyncIterable<Told>;
  /** The signed certificate of a rotation, a rewrap or a key's destruction as it was signed, to the byte: for a file. */
  certificate(id: string, options?: CallOptions & { readonly form?: CertificateForm }): Promise<string>;
  /** What was recorded, with its proofs, as it comes: for a file. Whether it is whole, its last line tells. */
  exportAudit(
    query: AuditQuery & { readonly checkpoint?: number },
    options?: CallOptions & { readonly form?: ExportForm },
  ): AsyncIterable<string>;
  /** One attempt, whose answer is told as it came. Throws only when none came, or one that is no JSON. */
  ask<Id extends OperationId>(id: Id, ...args: Arguments<Id>): Promise<Exchange>;
}

export function createClient(options: ClientOptions): Client {
  const { retry = patient } = options;

  const call = async (id: OperationId, input: AnyInput = {}, given: CallOptions = {}): Promise<unknown> => {
    const signal = anyOf(options.signal, given.signal);
    const attempt = async (): Promise<unknown> => {
      const answer = await exchange(options, id, input, signal);
      if (!isDone(operations[id], answer)) throw errorOf(id, answer);
      return answer.body;
    };
    return withRetries(attempt, retry, isRepeatable(operations[id], input), signal);
  };
  const ids = Object.keys(operations) as OperationId[];
  // The parsed edge: an answer in the envelope of the contract's API is what its document says. Fields that are not known here are let be.
  const calls = Object.fromEntries(
    ids.map((id) => [id, (input?: AnyInput, given?: CallOptions) => call(id, input, given)]),
  ) as unknown as Calls;

  /** Ended by the client's signal as well. */
  const within = <Waiting extends CallOptions>(wait: Waiting): Waiting => {
    const signal = anyOf(options.signal, wait.signal);
    return signal === undefined ? wait : { ...wait, signal };
  };

  return {
    ...calls,
    async rotate(tenantId, options = {}) {
      const { idempotencyKey = newKey(), reason, planId, kek, compromise, ...given } = options;
      const headers = { 'x-tenantid': tenantId, 'idempotency-key': idempotencyKey };
      const body = {
        tenantId,
        ...(reason === undefined ? {} : { reason }),
        ...(planId === undefined ? {} : { planId }),
        ...(kek === undefined ? {} : { kek }),
        ...(compromise === undefined ? {} : { compromise }),
      };
      return (await calls.rotateDek({ headers, body }, given)).data;
    },
    waitFor(rotationId, wait = {}) {
      const look = async (signal: AbortSignal | undefined): Promise<Rotation> =>
        (await calls.getRotation({ path: { rotationId } }, signal === undefined ? {} : { signal })).data;
      return waitFor(rotationId, look, within(wait));
    },
    waitForPlan(planId, wait = {}) {
      const look = async (signal: AbortSignal | undefined): Promise<Plan> =>
        (await calls.getPlan({ path: { planId } }, signal === undefined ? {} : { signal })).data;
      return waitForPlan(planId, look, within(wait));
    },
    certificate(of, { form = 'dsse', ...given } = {}) {
      const signal = anyOf(options.signal, given.signal);
      const { operation: id, path } = certificateOf(of);
      const attempt = async (): Promise<string> => {
        const input = { path, headers: { accept: certificateForms[form] } };
        const { text, ...answer } = await send(options, id, certificateRoutes[id], input, signal);
        const isIt = answer.status === 200 && isOfType(answer, certificateForms[form]);
        if (!isIt) throw errorOf(id, { ...answer, body: parsed(text) });
        return text;
      };
      return withRetries(attempt, retry, true, signal);
    },
    exportAudit: (query, { form = 'jsonl', ...given } = {}) => {
      const route = { ...exportRoute, type: exportForms[form] };
      return readParts(options, 'exportAudit', route, { query }, anyOf(options.signal, given.signal));
    },
    follow(rotationId, { lastEventId, ...given } = {}) {
      const signal = anyOf(options.signal, given.signal);
      const open = (last: string | undefined) => {
        const input = { path: { rotationId }, headers: { 'last-event-id': last } };
        const attempt = () => openBody(options, 'followRotation', followRoute, input, signal);
        return withRetries(attempt, retry, true, signal);
      };
      return followRotation({ open, signal }, lastEventId?.toString());
    },
    ask: (id, ...[input, given]) =>
      exchange(options, id, input as AnyInput | undefined, anyOf(options.signal, given?.signal)),
  };
}

/** As `crypto.randomUUID` makes them, which browsers have only on pages that came by TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** Whether it was done, and is told as the API tells it: another server's JSON with a 200 is none of that. */
function isDone({ path }: Described, { status, body }: Exchange): boolean {
  if (status !== 200 && status !== 202) return false;
  const told = recordIn(body);
  return path.startsWith('/api/')
    ? told?.success === true && recordIn(told.data) !== undefined
    : told !== undefined;
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
