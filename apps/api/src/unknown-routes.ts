import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import type { Route } from './route.ts';

/**
 * Makes the two answers to a request that no route takes: METHOD_NOT_ALLOWED when another method of that path
 * would be taken, else NOT_FOUND.
 */
export function unknownRoutes(
  routes: ReadonlyArray<Pick<Route, 'path' | 'method'>>,
): (request: FastifyRequest) => ApiError {
  const allowed = Object.entries(Object.groupBy(routes, ({ path }) => path)).map(([path, ofPath = []]) => ({
    pattern: path,
    allow: allow(ofPath),
  }));

  return (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const found = allowed.find(({ pattern }) => matches(pattern, path));
    return found === undefined
      ? new ApiError('NOT_FOUND')
      : new ApiError('METHOD_NOT_ALLOWED', { allow: found.allow });
  };
}

/** The methods of these routes as the header `Allow` lists them. Whatever can be got, its head can be got alone. */
export function allow(routes: ReadonlyArray<Pick<Route, 'method'>>): string {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return [...new Set(methods)].sort().join(', ');
}

/** Our paths know only whole segments: literal, or `{name}`. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) =>
      segment.startsWith('{') ? given[index] !== '' : segment === given[index],
    )
  );
}
