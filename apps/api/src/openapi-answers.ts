import { type ErrorCode, errorTable } from '@rekey/contract';
import { ApiError, errorBody, errorHeaders } from './api-error.ts';

/** What any request can come to, whatever its route: broken, late, or of another method. */
const transportErrors = [
  'INVALID_REQUEST',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'HEADERS_TOO_LARGE',
  'INTERNAL_ERROR',
] as const satisfies readonly ErrorCode[];

/** What any route that reads a rotation can answer besides it. */
export const readErrors = [
  'INVALID_REQUEST',
  'AUTHENTICATION_FAILED',
  'INSUFFICIENT_PERMISSIONS',
  'ROTATION_NOT_FOUND',
  'NOT_ACCEPTABLE',
  'RATE_LIMITED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const satisfies readonly ErrorCode[];

const exampleRotationId = 'rot-550e8400-e29b-41d4-a716-446655440001';
const exampleRequestId = '0b7c9f3e-3c2d-4a64-9f0e-0a4dd4f6f0c1';

/** The `response` of a route for the OpenAPI document: one success by the name of its schema, and its errors. */
export function answers(schemaName: string, description: string, codes: readonly ErrorCode[]): object {
  return {
    200: { description, headers: answerHeaders, content: json({ $ref: `${schemaName}#` }) },
    ...errorAnswers(codes),
  };
}

/** Its errors alone, those that are no route's included. */
export function errorAnswers(codes: readonly ErrorCode[] = []): object {
  const all = [...new Set([...codes, ...transportErrors])];
  const byStatus = Map.groupBy(all, (code) => errorTable[code].status);
  return Object.fromEntries([...byStatus].map(([status, ofStatus]) => [status, errorAnswer(ofStatus)]));
}

function errorAnswer(codes: readonly ErrorCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].detail}`).join(' '),
    headers: { ...answerHeaders, ...headersOf(codes) },
    content: json(
      { $ref: 'Error#' },
      Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
    ),
  };
}

function json(schema: object, examples?: object): object {
  return { 'application/json': { schema, ...(examples === undefined ? {} : { examples }) } };
}

function example(code: ErrorCode): object {
  const error = new ApiError(code, {
    ...(code === 'ROTATION_IN_PROGRESS' ? { rotationId: exampleRotationId } : {}),
    ...(code === 'INVALID_REQUEST'
      ? { issues: [{ path: 'headers.x-tenantid', message: 'is required' }] }
      : {}),
  });
  return { ...errorBody(error, exampleRequestId), timestamp: '2025-07-10T14:35:00.000Z' };
}

const answerHeaders = {
  'x-request-id': { type: 'string', description: 'Names this request in our log.' },
  'cache-control': { type: 'string', description: 'no-store' },
};

/** Of one code or of several with one status. */
function headersOf(codes: readonly ErrorCode[]): object {
  const names = codes.flatMap((code) => Object.keys(errorHeaders(new ApiError(code))));
  return Object.fromEntries(names.map((name) => [name, headersOfErrors[name] ?? { type: 'string' }]));
}

const headersOfErrors: Readonly<Record<string, object>> = {
  'retry-after': { type: 'integer', description: 'Seconds.' },
  'www-authenticate': { type: 'string', description: 'Bearer' },
  allow: { type: 'string', description: 'The methods that this path knows.' },
};
