import Type from 'typebox';
import { route } from '../route.ts';

/** `GET /openapi.json`. */
export const openApiRoute = route({
  operationId: 'openApi',
  method: 'GET',
  path: '/openapi.json',
  permission: 'public',
  tag: 'Document',
  summary: 'The OpenAPI document',
  request: {},
  answers: { 200: { description: 'OpenAPI 3.1.', schema: Type.Unsafe<object>({ type: 'object' }) } },
  errors: [],
  handler: ({ document }) => {
    let text: string | undefined;
    return async () => {
      text ??= document();
      return text;
    };
  },
});
