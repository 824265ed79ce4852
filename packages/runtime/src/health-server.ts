import { createServer } from 'node:http';
import { type Listening, listenOn } from './listen-on.ts';

export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** What the process needs, by name. Ready is when all are true; a rejection counts as unready. */
  readonly ready: () => Promise<Record<string, boolean>>;
  /** What else an operator may want to know of it, by name: told by `/readyz`, and no condition. */
  readonly facts?: () => Record<string, unknown>;
}

/**
 * Serves `GET /livez` (200 while the event loop turns) and `GET /readyz` (200 or 503, with each check by name)
 * for a process that has no other HTTP. Resolves once it listens.
 */
export async function startHealthServer({
  host,
  port,
  ready,
  facts = () => ({}),
}: HealthServerOptions): Promise<Listening> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    void answer(request.method ?? '', request.url ?? '', { ready, facts }).then(({ status, body }) => {
      response.writeHead(status, {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
      });
      response.end(JSON.stringify(body));
    });
  });
  return listenOn(server, host, port);
}

async function answer(
  method: string,
  url: string,
  { ready, facts }: Required<Pick<HealthServerOptions, 'ready' | 'facts'>>,
): Promise<Answer> {
  const path = url.split('?', 1)[0];
  if (path !== '/livez' && path !== '/readyz') return { status: 404, body: { status: 'not_found' } };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: { status: 'method_not_allowed' } };
  if (path === '/livez') return { status: 200, body: { status: 'ok' } };
  try {
    const checks = await ready();
    const all = Object.values(checks).every(Boolean);
    return { status: all ? 200 : 503, body: { status: all ? 'ready' : 'unready', checks, ...facts() } };
  } catch {
    return { status: 503, body: { status: 'unready', checks: {}, ...facts() } };
  }
}

interface Answer {
  readonly status: number;
  readonly body: object;
}
