import type { FastifyInstance } from 'fastify';
import type { GuardsOf } from './guards.ts';
import { inOrder } from './in-order.ts';
import type { Route, RouteContext } from './route.ts';
import { validated } from './validate.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the list, or signing in to the console. */
    operationId?: string;
    /** Who calls it is recorded, also where nothing is refused. */
    isRecorded?: boolean;
  }
}

/** Serves every route of the list. */
export function addRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  guardsOf: GuardsOf,
  context: RouteContext,
): void {
  for (const route of routes) {
    const handle = route.handler(context);
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      config: { operationId: route.operationId, isRecorded: isRecorded(route) },
      ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
      onRequest: guardsOf(route),
      ...(route.permission === 'public' ? {} : { preValidation: inOrder([validated(route.request)]) }),
      handler: async (request, reply) => {
        const { params, headers, query, body } = request;
        const answer = await handle({ route, params, headers, query, body, request, reply });
        const isRendered = typeof answer === 'string' || answer instanceof Uint8Array;
        if (isRendered && !reply.hasHeader('content-type')) reply.type('application/json; charset=utf-8');
        return answer;
      },
    });
  }
}

/** Reads of keys, certificates and the audit. */
function isRecorded({ method, permission, tag }: Route): boolean {
  return method === 'GET' && permission !== 'public' && (tag === 'Keys' || tag === 'Evidence');
}
