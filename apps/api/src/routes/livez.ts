import { Liveness } from '@rekey/contract';
import { route } from '../route.ts';

/** `GET /livez`. */
export const livez = route({
  operationId: 'livez',
  method: 'GET',
  path: '/livez',
  permission: 'public',
  tag: 'Health',
  summary: 'Whether the process turns',
  request: {},
  answers: { 200: { description: 'It does.', schema: Liveness } },
  errors: [],
  handler: () => async (): Promise<Liveness> => ({ status: 'ok' }),
});
