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
 * A guard that throws INVALID_REQUEST with every issue of headers, query and body together. (Fastify's own
 * validation stops at the first of them that is wrong, so it is switched off.)
 */
export function validated({
  headers,
  query: wanted = NoQuery,
  body,
  bodyOptional,
  rules = [],
}: Route['request']) {
  const headerIssues = headers === undefined ? () => [] : issuesIn('headers', headers);
  const queryIssues = issuesIn('query', wanted);
  const bodyIssues = body === undefined ? () => [] : issuesInBody(body, bodyOptional === true);
  const withNumbers = numbersIn(wanted);
  return (request: FastifyRequest): void => {
    const query = withNumbers(request.query);
    const issues = [
      ...headerIssues(request.headers),
      ...queryIssues(query),
      ...bodyIssues(request.body),
      ...rules.flatMap((rule) => rule(request)),
    ];
    if (issues.length > 0) throw new ApiError('INVALID_REQUEST', { issues });
    request.query = query;
  };
}

/** Says what is wrong with a part of a request; what can be known of the schema is looked up once. */
type FindIssues = (value: unknown) => readonly Issue[];

function issuesInBody(schema: TObject, optional: boolean): FindIssues {
  const find = issuesIn('body', schema);
  return (body) => {
    if (body === undefined) return optional ? [] : [{ path: 'body', message: 'is required' }];
    if (body === malformedBody) return [{ path: 'body', message: 'is not valid JSON' }];
    return find(body);
  };
}

function issuesIn(part: string, schema: TObject): FindIssues {
  const required = new Set<string>(schema.required);
  const fields = Object.entries<TSchema>(schema.properties);
  const isClosed = 'additionalProperties' in schema && schema.additionalProperties === false;
  return (value) => {
    if (!isRecord(value)) return [{ path: part, message: 'is not an object' }];
    const issues: Issue[] = [];
    for (const [name, field] of fields) {
      if (!Object.hasOwn(value, name)) {
        if (required.has(name)) issues.push({ path: `${part}.${name}`, message: 'is required' });
      } else if (!Check(field, value[name])) {
        issues.push({ path: `${part}.${name}`, message: `is not a valid ${titleOf(field)}` });
      }
    }
    if (isClosed) {
      const unknown = Object.keys(value).filter((name) => !Object.hasOwn(schema.properties, name));
      issues.push(
        ...unknown.map((name) => ({ path: `${part}.${name.slice(0, 64)}`, message: 'is not known here' })),
      );
    }
    return issues;
  };
}

/** A query is text; where the schema wants an integer, plain digits become one. */
function numbersIn(schema: TObject): (query: unknown) => unknown {
  const integers = Object.entries<TSchema>(schema.properties).flatMap(([name, field]) =>
    'type' in field && field.type === 'integer' ? [name] : [],
  );
  return (query) => {
    if (!isRecord(query)) return query;
    const read: Record<string, unknown> = { ...query };
    for (const name of integers) {
      const text = read[name];
      if (typeof text === 'string' && /^[0-9]{1,9}$/.test(text)) read[name] = Number(text);
    }
    return read;
  };
}

function titleOf(field: TSchema): string {
  return 'title' in field && typeof field.title === 'string' ? field.title : 'value';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
