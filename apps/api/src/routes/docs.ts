import Type from 'typebox';
import { page, pageHeaders } from '../page/page.ts';
import { route } from '../route.ts';
import { documentMaxAgeSeconds } from './openapi.ts';

/** `GET /docs`. */
export const docs = route({
  operationId: 'docs',
  method: 'GET',
  path: '/docs',
  permission: 'public',
  tag: 'Document',
  summary: 'This description as a page to read',
  description: 'Made from the OpenAPI document, without a script, with what to do about each error.',
  mediaTypes: ['text/html'],
  request: {},
  answers: {
    200: {
      description: 'The page.',
      schema: Type.String(),
      media: { 'text/html': { example: '<!DOCTYPE html>' } },
    },
  },
  errors: [],
  handler: ({ document }) => {
    let text: string | undefined;
    return async ({ reply }) => {
      text ??= page(JSON.parse(document()));
      reply
        .type('text/html; charset=utf-8')
        .headers({ ...pageHeaders, 'cache-control': `public, max-age=${documentMaxAgeSeconds}` });
      return text;
    };
  },
});
