import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

/**
 * Makes the two answers to a request that no route takes: METHOD_NOT_ALLOWED when another method of that path
 * would be taken, else NOT_FOUND. Must be called before the routes are added.
 */
export function unknownRoutes(app: FastifyInstance): (request: FastifyRequest) => ApiError {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name.toUpperCase());
    methodsOf.set(url, methods);
  });

  return (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    for (const [pattern, methods] of methodsOf) {
      if (matches(pattern, path)) {
        return new ApiError('METHOD_NOT_ALLOWED', { allow: [...methods].sort().join(', ') });
      }
    }
    return new ApiError('NOT_FOUND');
  };
}

/** Our patterns know only whole segments: literal, or `:name`. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) =>
      segment.startsWith(':') ? given[index] !== '' : segment === given[index],
    )
  );
}
