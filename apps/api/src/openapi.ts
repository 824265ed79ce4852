import swagger from '@fastify/swagger';
import {
  ErrorResponse,
  FailuresResponse,
  Liveness,
  Readiness,
  RotateResponse,
  RotationResponse,
} from '@rekey/contract';
import { errorAnswers } from './openapi-answers.ts';
import type { ApiInstance } from './routes/api-instance.ts';

/** Collects the OpenAPI document from the routes that are added after it. */
export async function describeApi(app: ApiInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rekey',
        version: '1.0.0',
        description:
          "Rotates tenants' data encryption keys online. Every error answers the schema `Error`; a path that is not here answers 404 `NOT_FOUND`.",
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'With the role `security_admin` (its own tenant) or `super_admin` (any tenant).',
          },
        },
      },
      security: [{ bearer: [] }],
      tags: [{ name: 'DEK rotation' }, { name: 'Health' }, { name: 'Document' }],
    },
    refResolver: { buildLocalReference: (schema) => String(schema.$id) },
  });
  for (const schema of [
    ErrorResponse,
    RotateResponse,
    RotationResponse,
    FailuresResponse,
    Liveness,
    Readiness,
  ]) {
    app.addSchema(schema);
  }
}

/** `GET /openapi.json`. */
export function addOpenApiRoute(app: ApiInstance): void {
  let document: string | undefined;
  app.get('/openapi.json', { schema: documentation }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}

const documentation = {
  operationId: 'openApi',
  tags: ['Document'],
  security: [],
  summary: 'This document',
  response: {
    200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
    ...errorAnswers(),
  },
};
