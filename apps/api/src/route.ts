import type { Readable } from 'node:stream';
import type { ErrorCode } from '@rekey/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TObject, TSchema } from 'typebox';
import type { ApiDependencies } from './dependencies.ts';
import type { Following } from './follow/following.ts';
import type { RequestRule } from './validate.ts';

/** What a request is held against, part by part. Each is flat: fields, no nesting. */
export interface RequestParts {
  readonly params?: TObject;
  readonly headers?: TObject;
  /** Absent: no query parameter is taken. */
  readonly query?: TObject;
  readonly body?: TObject;
}

/** One success (or, of a probe, one failure that is no error) by its status. */
interface Answer<Schema extends TSchema> {
  readonly description: string;
  /** One with an `$id` stands under that name among the document's schemas. */
  readonly schema: Schema;
  /** Of a route with media types of its own, where they differ: by each its schema, and what one looks like. */
  readonly media?: Readonly<Record<string, { readonly schema?: TSchema; readonly example: unknown }>>;
}

/** What handlers are made from: once per process, so that they may keep something between calls. */
export interface RouteContext extends ApiDependencies {
  /** Between the end of a tenant's rotation and the start of its next one; 0: none. */
  readonly rotationIntervalSeconds: number;
  /** Tells rotations to those who follow them. */
  readonly following: Following;
  /** The OpenAPI document, as text. */
  readonly document: () => string;
}

type Part<Schema> = Schema extends TObject ? Static<Schema> : undefined;

/** A request that has passed the guard and its schemas. */
export interface Call<Parts extends RequestParts = RequestParts> {
  readonly route: Route;
  readonly params: Part<Parts['params']>;
  readonly headers: Part<Parts['headers']>;
  readonly query: Part<Parts['query']>;
  readonly body: Part<Parts['body']>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** An object; its JSON, as text or bytes, where the very bytes matter; or a stream of what is too large for one piece. */
type Handler<Parts extends RequestParts, Schema extends TSchema> = (
  call: Call<Parts>,
) => Promise<Static<Schema> | string | Uint8Array | Readable>;

interface RouteFacts {
  /** Names the operation in the document, the client, and the table of roles. Never changes. */
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{name}` stands for one segment. */
  readonly path: `/${string}`;
  /** `public`: without a token, a limit or any look at the request. `by_role`: as `auth/roles.ts` says. */
  readonly permission: 'public' | 'by_role';
  readonly tag:
    | 'DEK rotation'
    | 'Tenants'
    | 'Keys'
    | 'Policies'
    | 'Campaigns'
    | 'Evidence'
    | 'Health'
    | 'Document';
  /** How large a body may be; absent: what the server allows. */
  readonly bodyBytesMax?: number;
  /** What its answers may be, the first where all are liked alike; application/json when absent. Errors are JSON always. */
  readonly mediaTypes?: readonly [string, ...string[]];
  readonly summary: string;
  readonly description?: string;
  /** The errors of its own: those of guard and transport come by themselves. */
  readonly errors: readonly ErrorCode[];
}

interface RouteDefinition<Parts extends RequestParts, Schema extends TSchema> extends RouteFacts {
  readonly request: Parts & {
    /** The body may be left out. */
    readonly bodyOptional?: boolean;
    /** Over several fields at once. */
    readonly rules?: readonly RequestRule[];
  };
  readonly answers:
    | { readonly 200: Answer<Schema>; readonly 503?: Answer<Schema> }
    /** What was asked for is begun; `handler` says the status. */
    | { readonly 202: Answer<Schema> };
  readonly handler: (context: RouteContext) => Handler<Parts, Schema>;
}

/** All that document, guard, limits, validation, 405 answers and server know of an operation. */
export interface Route extends RouteFacts {
  readonly request: RequestParts & {
    readonly bodyOptional?: boolean;
    readonly rules?: readonly RequestRule[];
  };
  readonly answers: Readonly<Record<number, Answer<TSchema>>>;
  readonly handler: (context: RouteContext) => (call: UnknownCall) => Promise<unknown>;
}

/** A call as Fastify hands it over. */
interface UnknownCall extends Omit<Call, 'params' | 'headers' | 'query' | 'body'> {
  readonly params: unknown;
  readonly headers: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** Checks a definition against its own schemas: what its handler reads and answers. */
export function route<Parts extends RequestParts, Schema extends TSchema>(
  definition: RouteDefinition<Parts, Schema>,
): Route {
  const { handler } = definition;
  return {
    ...definition,
    // The parsed edge: `validated` has held the request against the very schemas that type the call.
    handler: (context) => handler(context) as (call: UnknownCall) => Promise<unknown>,
  };
}
