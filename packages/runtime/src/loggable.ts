import { describeError } from './describe-error.ts';

/** Every field a log line may hold. A new one is added here, by someone who asked whether it can hold a secret. */
export const logFields = [
  'actor',
  'address',
  'at',
  'attempt',
  'batchSize',
  'cipher',
  'code',
  'concurrency',
  'connections',
  'count',
  'databaseRole',
  'error',
  'event',
  'holders',
  'items',
  'itemsFailed',
  'itemsRotated',
  'itemsSuperseded',
  'jobId',
  'kek',
  'keks',
  'keyId',
  'method',
  'ms',
  'outcome',
  'path',
  'planId',
  'reason',
  'realm',
  'requestId',
  'rotationId',
  'campaignId',
  'compromiseId',
  'rewrapId',
  'sequence',
  'setting',
  'signal',
  'slot',
  'statements',
  'status',
  'step',
  'subject',
  'target',
  'tenantId',
  'url',
  'waitingFor',
] as const;
export type LogField = (typeof logFields)[number];

const allowed: ReadonlySet<string> = new Set(logFields);

const bareUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Long enough for a URL path or an id, too short for a key file or a token's payload to be of use. */
const textMax = 256;

/** The allowed fields, each as text, number, boolean, null, a flat object of numbers, or an error's description. */
export function loggable(
  fields: Readonly<Record<string, unknown>>,
  ourErrors: ReadonlyArray<new (...args: never[]) => Error>,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!allowed.has(name) || value === undefined) continue;
    // What is thrown need not be an error: a string that was thrown may say anything.
    kept[name] =
      value instanceof Error || name === 'error'
        ? describeError(value, ourErrors)
        : reduce(asWritten(name, value));
  }
  return kept;
}

/** A rotation is written as the API writes it, so that one search finds it in the lines of every process. */
function asWritten(name: string, value: unknown): unknown {
  if (name !== 'rotationId' || typeof value !== 'string' || !bareUuid.test(value)) return value;
  return `rot-${value.toLowerCase()}`;
}

function reduce(value: unknown): unknown {
  if (typeof value === 'string') return value.length > textMax ? `${value.slice(0, textMax)}…` : value;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return isPlain(value) ? numbersOf(value) : `[${typeof value} not logged]`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function numbersOf(value: Record<string, unknown>): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, entry] of Object.entries(value).slice(0, 20)) {
    if (typeof entry === 'number') numbers[name.slice(0, 64)] = entry;
  }
  return numbers;
}
