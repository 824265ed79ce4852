import type { Server, ServerResponse } from 'node:http';
import { undocumented } from '../harness/documented.ts';

/** Larger ones, which are streams, are held against the document by status and type only. */
const bytesMax = 4_000_000;

/** Holds whatever this server answers against the document, whoever asked; what was not as it says, one by one. */
export function watchAnswers(server: Server): readonly string[] {
  const problems: string[] = [];
  server.prependListener('request', (request, response: ServerResponse) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const keep = (part: unknown): void => {
      if (typeof part !== 'string' && !(part instanceof Uint8Array)) return;
      bytes += part.length;
      if (bytes <= bytesMax) parts.push(Buffer.from(part as string));
    };
    const write = response.write.bind(response) as (...given: unknown[]) => boolean;
    const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
    let headers: Record<string, string> = {};
    const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
    response.writeHead = (...given: unknown[]) => {
      headers = given.at(-1) as typeof headers;
      return writeHead(...given);
    };
    response.write = (...given: unknown[]) => {
      keep(given[0]);
      return write(...given);
    };
    response.end = (...given: unknown[]) => {
      keep(given[0]);
      return end(...given);
    };
    response.once('finish', () => {
      const target = documentedTarget(request.url ?? '', response.statusCode);
      if (target === null) return;
      const problem = undocumented({
        method: request.method ?? '',
        target,
        status: response.statusCode,
        headers: { ...response.getHeaders(), ...headers },
        text: Buffer.concat(parts).toString(),
      });
      if (problem !== null) problems.push(problem);
    });
  });
  return problems;
}

/**
 * The console's own pages, its sign-in and what it refuses are no part of the document; what it is given for a cookie is what
 * the operation of the same name answers.
 */
function documentedTarget(target: string, status: number): string | null {
  if (!target.startsWith('/console')) return target;
  const operation = /^\/console(\/api\/.*)$/.exec(target)?.[1];
  return operation !== undefined && status < 300 ? operation : null;
}
