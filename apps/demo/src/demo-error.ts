/**
 * - `DATABASE`: the Postgres of DATABASE_URL does not do what the demo needs of it
 * - `REDIS`: the Redis of REDIS_URL does not answer
 * - `PORT_TAKEN`: somebody else listens where the API was told to
 * - `OTHER_KEK`: the tenant was sealed under a KEK that is not the one at hand
 * - `PROCESS_ENDED`: the API or a worker ended by itself
 * - `STALLED`: the rotation stopped getting on
 */
export type DemoErrorCode = 'DATABASE' | 'REDIS' | 'PORT_TAKEN' | 'OTHER_KEK' | 'PROCESS_ENDED' | 'STALLED';

/** What goes wrong with the demo or the local stack. The message is one sentence for the person who ran it. */
export class DemoError extends Error {
  readonly code: DemoErrorCode;

  constructor(code: DemoErrorCode, message: string) {
    super(message);
    this.name = 'DemoError';
    this.code = code;
  }
}
