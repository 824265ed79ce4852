import type { Logger } from '@rekey/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A hook that writes one line per answered request; probes only at debug level. */
export function requestLog(logger: Logger) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const path = request.url.split('?', 1)[0] ?? '';
    const log = path === '/livez' || path === '/readyz' ? logger.debug : logger.info;
    log('request', {
      requestId: request.id,
      method: request.method,
      path,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    });
  };
}
