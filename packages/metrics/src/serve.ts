import { createServer } from 'node:http';
import { type Listening, listenOn } from '@rekey/runtime';
import type { Metrics } from './metrics.ts';

export interface MetricsPlace {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Serves `GET /metrics` and nothing else, on a port of its own. Resolves once it listens. */
export function serveMetrics(metrics: Metrics, { host, port }: MetricsPlace): Promise<Listening> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const plain = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, plain).end('not found\n');
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...plain, allow: 'GET, HEAD' }).end('method not allowed\n');
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { ...plain, 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500, plain).end('the metrics could not be read\n'),
    );
  });
  return listenOn(server, host, port);
}
