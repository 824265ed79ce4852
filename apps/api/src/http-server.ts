import type { Server } from 'node:http';
import type { Logger } from '@rekey/runtime';
import { connectionTimeoutMs, requestTimeoutMs } from '@rekey/times';
import type { FastifyRequest } from 'fastify';
import { answerRaw, watchAnswers } from './answer-broken-request.ts';
import { ApiError } from './api-error.ts';
import { valuesOf } from './sent-headers.ts';

/** The part of Fastify's options that decides what is a request, and how long it may take to arrive. */
export const serverOptions = {
  // Both here too: Fastify sets its own after the server is made, when Node has already let the longer of the two
  // win, and by default Node looks for late requests only twice a minute.
  http: {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 500,
    // Node would answer without JSON: see requireOneHost.
    requireHostHeader: false,
  },
  requestTimeout: requestTimeoutMs,
  // A socket on which nothing moves is dropped after once or twice this.
  connectionTimeout: connectionTimeoutMs,
  // Some proxies name the whole URL (RFC 9112, 3.2.2); its path is what counts.
  rewriteUrl: ({ url = '/' }: { url?: string | undefined }): string => {
    if (!/^https?:/i.test(url)) return url;
    const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
    return path.startsWith('/') ? path : `/${path}`;
  },
};

/** RFC 9112, 3.2: one that names no host, or two, is answered 400, since others may read it otherwise. */
export function requireOneHost({ raw }: FastifyRequest): void {
  const hosts = valuesOf(raw, 'host').length;
  if (hosts === 1 || (hosts === 0 && raw.httpVersion !== '1.1')) return;
  throw new ApiError('INVALID_REQUEST', { issues: [{ path: 'headers.host', message: 'is required, once' }] });
}

/** Answers in JSON what Node by itself would answer with an empty 417, or not at all; `allowed` are the methods there are. */
export function answerOddRequests(server: Server, allowed: string, logger: Logger): void {
  watchAnswers(server);
  // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket) => {
    answerRaw(new ApiError('METHOD_NOT_ALLOWED', { allow: allowed }), socket, logger);
  });
}
