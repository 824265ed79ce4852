import { type ErrorCode, ErrorResponse, errorTable } from '@rekey/contract';
import type { TSchema } from 'typebox';
import { ApiError, errorBody, errorHeaders } from '../api-error.ts';
import type { Route } from '../route.ts';

/** What any request can come to, whatever its route: broken, late, or of another method. */
const ofTransport = [
  'INVALID_REQUEST',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'HEADERS_TOO_LARGE',
  'INTERNAL_ERROR',
] as const satisfies readonly ErrorCode[];

/** What the guard answers, and what everything behind it may lack. */
const ofGuard = [
  'AUTHENTICATION_FAILED',
  'INSUFFICIENT_PERMISSIONS',
  'NOT_ACCEPTABLE',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
] as const satisfies readonly ErrorCode[];

/** Every error that a route can answer: its own, and those that come with where it stands. */
function errorsOf({ permission, request, errors }: Route): ErrorCode[] {
  const guarded = permission === 'public' ? [] : ofGuard;
  const written = request.body === undefined ? [] : (['UNSUPPORTED_MEDIA_TYPE'] as const);
  return [...new Set<ErrorCode>([...guarded, ...written, ...errors, ...ofTransport])];
}

const exampleRotationId = 'rot-550e8400-e29b-41d4-a716-446655440001';
const exampleRequestId = '0b7c9f3e-3c2d-4a64-9f0e-0a4dd4f6f0c1';

/** The `responses` of an operation. */
export function responsesOf(route: Route): object {
  const successes = Object.entries(route.answers).map(([status, answer]) => [
    status,
    { description: answer.description, headers: answerHeaders, content: contentOf(route, answer) },
  ]);
  const byStatus = Map.groupBy(errorsOf(route), (code) => errorTable[code].status);
  const failures = [...byStatus].map(([status, codes]) => [status, errorAnswer(codes)]);
  return Object.fromEntries([...failures, ...successes]);
}

function contentOf(
  { mediaTypes = ['application/json'] }: Route,
  { schema, media = {} }: Route['answers'][number],
): object {
  return Object.fromEntries(
    mediaTypes.map((type) => {
      const { schema: ofType = schema, example: shown = exampleBeside(ofType) } = media[type] ?? {};
      return [type, { schema: referenceTo(ofType), ...(shown === undefined ? {} : { example: shown }) }];
    }),
  );
}

/** Of a schema that stands here; one with a name has its examples where it stands. */
function exampleBeside(schema: TSchema): unknown {
  if ('$id' in schema || !('examples' in schema) || !Array.isArray(schema.examples)) return undefined;
  return schema.examples[0];
}

/** A schema with a name stands once in the document. */
function referenceTo(schema: TSchema): object {
  return '$id' in schema ? { $ref: `#/components/schemas/${schema.$id}` } : schema;
}

function errorAnswer(codes: readonly ErrorCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].detail}`).join(' '),
    headers: { ...answerHeaders, ...headersOf(codes) },
    content: json(
      referenceTo(ErrorResponse),
      Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
    ),
  };
}

/** What each error looks like that an operation answers with, once: some are of the console or of no operation. */
export function errorExamples(paths: object): object {
  const answered = JSON.stringify(paths);
  const codes = (Object.keys(errorTable) as ErrorCode[]).filter((code) =>
    answered.includes(`"#/components/examples/${code}"`),
  );
  return Object.fromEntries(codes.map((code) => [code, { value: example(code) }]));
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
  'x-request-id': { schema: { type: 'string' }, description: 'Names this request in our log.' },
  'cache-control': {
    schema: { type: 'string' },
    description: '`no-store`, but for public keys and this document.',
  },
};

/** Of one code or of several with one status. */
function headersOf(codes: readonly ErrorCode[]): object {
  const names = codes.flatMap((code) => Object.keys(errorHeaders(new ApiError(code))));
  return Object.fromEntries(
    names.map((name) => [name, headersOfErrors[name] ?? { schema: { type: 'string' } }]),
  );
}

const headersOfErrors: Readonly<Record<string, object>> = {
  'retry-after': { schema: { type: 'integer' }, description: 'Seconds.' },
  'www-authenticate': { schema: { type: 'string' }, description: 'Bearer' },
  allow: { schema: { type: 'string' }, description: 'The methods that this path knows.' },
};
