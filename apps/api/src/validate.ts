import { type Issue, NoQuery } from '@rekey/contract';
import type { FastifyRequest } from 'fastify';
import type { TObject, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { ApiError } from './api-error.ts';
import { malformedBody } from './read-body.ts';
import type { Route } from './route.ts';

/** A rule over several fields of one request. */
export type RequestRule = (request: FastifyRequest) => readonly Issue[];

/**
 * A hook that throws INVALID_REQUEST with every issue of headers, query and body together. (Fastify's own
 * validation stops at the first of them that is wrong, so it is switched off.)
 */
export function validated({
  headers,
  query: wanted = NoQuery,
  body,
  bodyOptional,
  rules = [],
}: Route['request']) {
  return async (request: FastifyRequest): Promise<void> => {
    const query = withNumbers(wanted, request.query);
    const issues = [
      ...(headers === undefined ? [] : issuesOf('headers', headers, request.headers)),
      ...issuesOf('query', wanted, query),
      ...(body === undefined ? [] : bodyIssues(body, request.body, bodyOptional === true)),
      ...rules.flatMap((rule) => rule(request)),
    ];
    if (issues.length > 0) throw new ApiError('INVALID_REQUEST', { issues });
    request.query = query;
  };
}

function bodyIssues(schema: TObject, body: unknown, optional: boolean): Issue[] {
  if (body === undefined) return optional ? [] : [{ path: 'body', message: 'is required' }];
  if (body === malformedBody) return [{ path: 'body', message: 'is not valid JSON' }];
  return issuesOf('body', schema, body);
}

function issuesOf(part: string, schema: TObject, value: unknown): Issue[] {
  if (!isRecord(value)) return [{ path: part, message: 'is not an object' }];
  const required = new Set<string>(schema.required);
  const issues: Issue[] = [];
  for (const [name, field] of Object.entries<TSchema>(schema.properties)) {
    const path = `${part}.${name}`;
    if (!Object.hasOwn(value, name)) {
      if (required.has(name)) issues.push({ path, message: 'is required' });
    } else if (!Check(field, value[name])) {
      issues.push({ path, message: `is not a valid ${titleOf(field)}` });
    }
  }
  if ('additionalProperties' in schema && schema.additionalProperties === false) {
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(schema.properties, name));
    issues.push(
      ...unknown.map((name) => ({ path: `${part}.${name.slice(0, 64)}`, message: 'is not known here' })),
    );
  }
  return issues;
}

/** A query is text; where the schema wants an integer, plain digits become one. */
function withNumbers(schema: TObject, query: unknown): unknown {
  if (!isRecord(query)) return query;
  const read: Record<string, unknown> = { ...query };
  for (const [name, field] of Object.entries<TSchema>(schema.properties)) {
    const text = read[name];
    if (
      'type' in field &&
      field.type === 'integer' &&
      typeof text === 'string' &&
      /^[0-9]{1,9}$/.test(text)
    ) {
      read[name] = Number(text);
    }
  }
  return read;
}

function titleOf(field: TSchema): string {
  return 'title' in field && typeof field.title === 'string' ? field.title : 'value';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
