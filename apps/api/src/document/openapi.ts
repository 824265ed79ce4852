import { ErrorResponse, errorRemedies, errorTable } from '@rekey/contract';
import type { TSchema } from 'typebox';
import { permits, type Role, roles } from '../auth/roles.ts';
import type { Route } from '../route.ts';
import { errorExamples, responsesOf } from './answers.ts';
import { parametersOf, requestBodyOf } from './request.ts';

/** The OpenAPI document of these routes, as text. */
export function openApi(routes: readonly Route[]): string {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return JSON.stringify(
    { ...document, components: componentsOf(routes, paths), paths, 'x-errors': errors },
    inCommonWords,
  );
}

function operation(route: Route): object {
  const { operationId, summary, tag, description, permission } = route;
  return {
    operationId,
    summary,
    tags: [tag],
    description: description ?? `${summary}.`,
    ...requestBodyOf(route),
    ...parametersOf(route),
    ...(permission === 'public' ? { security: [] } : { 'x-roles': rolesOf(route) }),
    responses: responsesOf(route),
  };
}

/** Who may call it, and on whose tenants: `any`, or the one in the token (`own`). */
function rolesOf(route: Route): object {
  const admitted = (Object.keys(roles) as Role[]).filter((role) => permits([role], route));
  return Object.fromEntries(admitted.map((role) => [role, roles[role].tenants]));
}

/** Every error there is, with what to do about it: for people, and for programs that show errors to people. */
const errors = Object.fromEntries(
  Object.entries(errorTable).map(([code, text]) => [
    code,
    { ...text, remedy: errorRemedies[code as keyof typeof errorTable] },
  ]),
);

function componentsOf(routes: readonly Route[], paths: object): object {
  const schemas: Record<string, TSchema> = {};
  for (const schema of [ErrorResponse, ...routes.flatMap(schemasOf)]) {
    if (!('$id' in schema)) continue;
    const { $id, ...named } = schema;
    schemas[String($id)] = named;
  }
  return { securitySchemes, schemas, examples: errorExamples(paths) };
}

function schemasOf({ answers }: Route): TSchema[] {
  return Object.values(answers).map(({ schema }) => schema);
}

/** Without `const`, patterns of names and properties of characters in patterns, which some programs that read such documents do not know. */
function inCommonWords(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('pattern' in value && typeof value.pattern === 'string' && value.pattern.includes('\\p{')) {
    // Halves of a pair cannot come in UTF-8.
    const pattern = value.pattern
      .replaceAll('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f')
      .replaceAll('\\p{Cs}', '');
    return { ...value, pattern };
  }
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
    description:
      'With one of the roles `super_admin` (any tenant), `security_admin`, `security_operator` or `security_auditor` (the tenant of the ' +
      'token); `x-roles` of an operation says which of them may call it.',
  },
};

const tags: Record<Route['tag'], string> = {
  'DEK rotation': 'Start rotations of data encryption keys, follow them, and steer them.',
  Tenants: 'Who has keys here.',
  Keys: 'Data encryption keys, the keys they are wrapped under, and the processes that hold them.',
  Policies: 'What is done to keys by itself, and when.',
  Campaigns: 'The same for many tenants, within bounds.',
  Evidence: 'What was recorded, and what proves it to somebody outside.',
  Health: 'For probes.',
  Document: 'This description.',
};

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Rekey',
    version: '1.0.0',
    description:
      "Rotates tenants' data encryption keys online. Every error answers the schema `Error`; a path that is not here answers 404 `NOT_FOUND`.",
    contact: { name: 'Whoever runs this installation' },
    license: { name: 'Proprietary', identifier: 'LicenseRef-Proprietary' },
  },
  servers: [{ url: '/' }],
  security: [{ bearer: [] }],
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
};
