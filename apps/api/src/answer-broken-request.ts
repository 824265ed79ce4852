import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errorTable } from '@rekey/contract';
import type { Logger } from '@rekey/runtime';
import { ApiError, errorBody } from './api-error.ts';
import { commonHeaders } from './common-headers.ts';
import { outcomeOf } from './request-log.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'PAYLOAD_TOO_LARGE',
};

/** Answers what Node's HTTP parser refused, before there is any request, and closes the connection. */
export function brokenRequestAnswerer(logger: Logger) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) socket.destroy();
    else answer(error, socket, logger);
  };
}

function answer(error: Error & { code?: string }, socket: Socket, logger: Logger): void {
  const requestId = randomUUID();
  const code = codes[error.code ?? ''] ?? 'INVALID_REQUEST';
  const details =
    code === 'INVALID_REQUEST' ? { issues: [{ path: 'request', message: 'is not valid HTTP' }] } : {};
  const body = JSON.stringify(errorBody(new ApiError(code, details), requestId));
  const { status } = errorTable[code];
  logger.info('request', {
    requestId,
    address: socket.remoteAddress,
    status,
    outcome: outcomeOf(status),
    code,
  });
  const headers = {
    ...commonHeaders(requestId),
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
