import { ErrorResponse } from '@rekey/contract';
import type { TSchema } from 'typebox';
import type { Route } from '../route.ts';
import { responsesOf } from './answers.ts';
import { parametersOf, requestBodyOf } from './request.ts';

/** The OpenAPI document of these routes, as text. */
export function openApi(routes: readonly Route[]): string {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return JSON.stringify({ ...document, components: componentsOf(routes), paths }, inCommonWords);
}

function operation(route: Route): object {
  const { operationId, summary, tag, description, permission } = route;
  return {
    operationId,
    summary,
    tags: [tag],
    ...(description === undefined ? {} : { description }),
    ...requestBodyOf(route),
    ...parametersOf(route),
    ...(permission === 'public' ? { security: [] } : {}),
    responses: responsesOf(route),
  };
}

function componentsOf(routes: readonly Route[]): object {
  const schemas: Record<string, TSchema> = {};
  for (const schema of [ErrorResponse, ...routes.flatMap(schemasOf)]) {
    if (!('$id' in schema)) continue;
    const { $id, ...named } = schema;
    schemas[String($id)] = named;
  }
  return { securitySchemes, schemas };
}

function schemasOf({ answers }: Route): TSchema[] {
  return Object.values(answers).map(({ schema }) => schema);
}

/** Without `const` and patterns of names, which some programs that read such documents do not know. */
function inCommonWords(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('const' in value) {
    const { const: single, ...rest } = value;
    return { ...rest, enum: [single] };
  }
  if ('patternProperties' in value) {
    const { patternProperties, ...rest } = value;
    return { ...rest, additionalProperties: Object.values(patternProperties ?? {})[0] };
  }
  return value;
}

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'With the role `security_admin` (its own tenant) or `super_admin` (any tenant).',
  },
};

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Rekey',
    version: '1.0.0',
    description:
      "Rotates tenants' data encryption keys online. Every error answers the schema `Error`; a path that is not here answers 404 `NOT_FOUND`.",
  },
  servers: [{ url: '/' }],
  security: [{ bearer: [] }],
  tags: [
    { name: 'DEK rotation' },
    { name: 'Keys' },
    { name: 'Evidence' },
    { name: 'Health' },
    { name: 'Document' },
  ],
};
