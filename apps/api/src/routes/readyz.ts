import { Readiness } from '@rekey/contract';
import { StoreError } from '@rekey/db';
import type { ApiDependencies } from '../dependencies.ts';
import { route } from '../route.ts';

/** Probes come unauthenticated: however many, Postgres and Redis are asked once in that time. */
const rememberMs = 500;

/** `GET /readyz`. */
export const readyz = route({
  operationId: 'readyz',
  method: 'GET',
  path: '/readyz',
  permission: 'public',
  tag: 'Health',
  summary: 'Whether rotate calls can succeed',
  request: {},
  answers: {
    200: { description: 'They can. Redis away is reported, and does no harm.', schema: Readiness },
    503: {
      description: 'Postgres is away, takes no writes, or its schema is not current.',
      schema: Readiness,
    },
  },
  errors: [],
  handler: (deps) => {
    // A reason is told once, however often it is asked for.
    let told = '';
    const tell = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : '';
      if (reason !== told && error !== undefined)
        deps.logger.warn('Postgres does not do what calls need', { error });
      told = reason;
    };

    let asked: { readonly at: number; readonly checks: Promise<Checks> } | undefined;
    return async ({ reply }): Promise<Readiness> => {
      if (asked === undefined || performance.now() - asked.at > rememberMs) {
        asked = { at: performance.now(), checks: runChecks(deps, tell) };
      }
      const checks = await asked.checks;
      // Without Redis, or with one that refuses, calls answer as ever, and all processes would leave service at once: it is
      // reported, and does not count.
      const ready = checks.postgres && checks.schema;
      reply.code(ready ? 200 : 503);
      const connections = deps.connections?.();
      return {
        status: ready ? 'ready' : 'unready',
        checks,
        ...(connections === undefined ? {} : { connections }),
      };
    };
  },
});

type Checks = Record<'postgres' | 'schema' | 'redis', boolean>;

async function runChecks(
  { rotations, redis }: Pick<ApiDependencies, 'rotations' | 'redis'>,
  tell: (error: unknown) => void,
): Promise<Checks> {
  const [{ error, ...database }, trouble] = await Promise.all([checkDatabase(rotations), redis.check()]);
  tell(error);
  return { ...database, redis: trouble === null };
}

type DatabaseChecks = Omit<Checks, 'redis'> & { readonly error?: unknown };

async function checkDatabase(rotations: ApiDependencies['rotations']): Promise<DatabaseChecks> {
  try {
    await rotations.checkSchema();
  } catch (error) {
    const answered = error instanceof StoreError && error.code !== 'UNAVAILABLE';
    return { postgres: answered, schema: false, error };
  }
  try {
    // An answer to a read says nothing of a standby, a full disk or a missing right.
    await rotations.checkWork();
    return { postgres: true, schema: true };
  } catch (error) {
    return { postgres: false, schema: true, error };
  }
}
