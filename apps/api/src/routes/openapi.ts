import Type from 'typebox';
import { route } from '../route.ts';

/** How long a copy may be shown: a new version of the program may have another one. */
export const documentMaxAgeSeconds = 300;

/** `GET /openapi.json`. */
export const openApiRoute = route({
  operationId: 'openApi',
  method: 'GET',
  path: '/openapi.json',
  permission: 'public',
  tag: 'Document',
  summary: 'The OpenAPI document',
  request: {},
  answers: {
    200: {
      description: 'OpenAPI 3.1.',
      schema: Type.Unsafe<object>({ type: 'object', examples: [{ openapi: '3.1.0', paths: {} }] }),
    },
  },
  errors: [],
  handler: ({ document }) => {
    let text: string | undefined;
    return async ({ reply }) => {
      text ??= document();
      reply.header('cache-control', `public, max-age=${documentMaxAgeSeconds}`);
      return text;
    };
  },
});
