import type { FastifyRequest, onRequestHookHandler } from 'fastify';

/**
 * Throws, or rejects, what the request is answered with; undefined: it has nothing to wait for. By itself it is no hook: Fastify
 * would wait for its callback.
 */
export type Guard = (request: FastifyRequest) => Promise<void> | void;

/**
 * Guards one after the other, as one hook. Each hook that is an async function costs a request promises and a turn of its own,
 * and most guards wait for nothing.
 */
export function inOrder(guards: readonly Guard[]): onRequestHookHandler {
  const passFrom = (first: number, request: FastifyRequest): Promise<void> | undefined => {
    for (let at = first; at < guards.length; at += 1) {
      const waiting = guards[at]?.(request);
      if (waiting !== undefined) return waiting.then(() => passFrom(at + 1, request));
    }
    return undefined;
  };
  return (request, _reply, done) => {
    let waiting: Promise<void> | undefined;
    try {
      waiting = passFrom(0, request);
    } catch (error) {
      done(error as Error); // whatever was thrown is answered as an error
      return;
    }
    if (waiting === undefined) done();
    else waiting.then(() => done(), done);
  };
}
