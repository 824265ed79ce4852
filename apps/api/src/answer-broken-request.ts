import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, errorTable } from '@rekey/contract';
import type { Logger } from '@rekey/runtime';
import { ApiError, errorBody, errorHeaders } from './api-error.ts';
import { commonHeaders } from './common-headers.ts';
import { outcomeOf } from './request-log.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'PAYLOAD_TOO_LARGE',
};

const underWay = new WeakMap<Duplex, ServerResponse[]>();

/**
 * Remembers which answers a connection still waits for; of those it has had, none but the last. Told of each when it is over it
 * would cost every request a listener.
 */
export function watchAnswers(server: Server): void {
  server.prependListener('request', ({ socket }, response) => {
    const before = underWay.get(socket)?.filter(({ closed }) => !closed) ?? [];
    before.push(response);
    underWay.set(socket, before);
  });
}

/**
 * Waits until the requests in front of the broken one have their answers: the next bytes on the connection would be
 * taken for theirs. One that is itself the broken one, since its body does not end, is not waited for.
 */
async function answersUnderWay(socket: Duplex): Promise<void> {
  const inFront = (underWay.get(socket) ?? []).filter(({ closed, req }) => !closed && req.complete);
  await Promise.all(inFront.map((response) => once(response, 'close')));
}

/** Answers what Node's HTTP parser refused, before there is any request, and closes the connection. */
export function brokenRequestAnswerer(logger: Logger) {
  return (error: Error & { code?: string }, socket: Duplex): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) socket.destroy();
    else
      answersUnderWay(socket)
        .then(() => answer(error, socket, logger))
        .catch(() => socket.destroy());
  };
}

function answer(error: Error & { code?: string }, socket: Duplex, logger: Logger): void {
  if (socket.destroyed || !socket.writable) return;
  const code = codes[error.code ?? ''] ?? 'INVALID_REQUEST';
  const details =
    code === 'INVALID_REQUEST' ? { issues: [{ path: 'request', message: 'is not valid HTTP' }] } : {};
  answerRaw(new ApiError(code, details), socket, logger);
}

/** Answers on the bare connection, which it then closes. */
export function answerRaw(error: ApiError, socket: Duplex, logger: Logger): void {
  const requestId = randomUUID();
  const body = JSON.stringify(errorBody(error, requestId));
  const { status } = errorTable[error.code];
  const address = 'remoteAddress' in socket ? socket.remoteAddress : undefined;
  logger.info('request', { requestId, address, status, outcome: outcomeOf(status), code: error.code });
  const headers = {
    ...commonHeaders(requestId),
    ...errorHeaders(error),
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
