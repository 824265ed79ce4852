import swagger from '@fastify/swagger';
import {
  ErrorResponse,
  FailuresResponse,
  Liveness,
  Readiness,
  RotateResponse,
  RotationResponse,
} from '@rekey/contract';
import type { ApiInstance } from './routes/api-instance.ts';

/** Collects the OpenAPI document from the routes that are added after it. */
export async function describeApi(app: ApiInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rekey',
        version: '1.0.0',
        description: "Rotates tenants' data encryption keys online. Every error answers the schema `Error`.",
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
      tags: [{ name: 'DEK rotation' }, { name: 'Health' }],
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
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}
