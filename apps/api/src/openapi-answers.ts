import { type ErrorCode, errorTable } from '@rekey/contract';
import { ApiError, errorBody, errorHeaders } from './api-error.ts';

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
  const byStatus = Map.groupBy(codes, (code) => errorTable[code].status);
  return {
    200: { description, headers: answerHeaders, content: json({ $ref: `${schemaName}#` }) },
    ...Object.fromEntries([...byStatus].map(([status, ofStatus]) => [status, errorAnswer(ofStatus)])),
  };
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

function headersOf(codes: readonly ErrorCode[]): object {
  if (codes.some((code) => 'retry-after' in errorHeaders(new ApiError(code)))) {
    return { 'retry-after': { type: 'integer', description: 'Seconds.' } };
  }
  if (codes.includes('AUTHENTICATION_FAILED'))
    return { 'www-authenticate': { type: 'string', description: 'Bearer' } };
  return {};
}
