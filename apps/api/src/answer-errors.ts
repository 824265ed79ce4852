import { errorTable } from '@rekey/contract';
import type { Logger } from '@rekey/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, errorHeaders } from './api-error.ts';
import { commonHeaders } from './common-headers.ts';
import { translateError } from './translate-error.ts';

/** Answers any error in the contract's JSON, and logs what the client is not told. */
export function errorAnswerer(logger: Logger) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const error = translateError(thrown);
    const { status } = errorTable[error.code];
    request.noted = {
      ...request.noted,
      code: error.code,
      ...(error.details.rotationId === undefined ? {} : { rotationId: error.details.rotationId }),
    };
    if (status >= 500) {
      const log = error.code === 'INTERNAL_ERROR' ? logger.error : logger.warn;
      log('request failed', { requestId: request.id, code: error.code, error: error.cause });
    }
    return reply
      .code(status)
      .headers(commonHeaders(request.id))
      .headers(errorHeaders(error))
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(errorBody(error, request.id)));
  };
}
