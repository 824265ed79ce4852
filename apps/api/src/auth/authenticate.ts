import type { Logger } from '@rekey/runtime';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { valuesOf } from '../sent-headers.ts';
import type { Caller } from './caller.ts';
import type { FindCaller } from './remember-callers.ts';
import { KeysUnavailable } from './verifier.ts';

export interface Authentication {
  /** One for each admitted realm: which one is asked never depends on the token. */
  readonly realms: ReadonlyMap<string, FindCaller>;
  readonly defaultRealm: string;
}

/**
 * A guard that sets `request.caller` from the bearer token, or throws: AUTHENTICATION_FAILED with never a reason,
 * SERVICE_UNAVAILABLE when the issuer's keys cannot be had.
 */
export function authenticate({ realms, defaultRealm }: Authentication, logger: Logger) {
  return (request: FastifyRequest): Promise<void> | void => {
    const findCaller = realms.get(onlyHeader(request, 'realmname') ?? defaultRealm);
    const token = bearerToken(onlyHeader(request, 'authorization'));
    const found = token === null ? undefined : findCaller?.(token);
    // Who polls is known, and then there is nothing to wait for.
    if (found !== undefined && !(found instanceof Promise)) {
      request.caller = found;
      return undefined;
    }
    const finding = found === undefined ? undefined : () => found;
    return callerBehind(token, finding, { requestId: request.id, logger }).then((caller) => {
      request.caller = caller;
    });
  };
}

/** The caller behind a token, of whatever way in. Throws what `authenticate` throws; why a token is refused, the log says alone. */
export async function callerBehind(
  token: string | null,
  findCaller: FindCaller | undefined,
  { requestId, logger }: { readonly requestId: string; readonly logger: Logger },
): Promise<Caller> {
  let caller: Caller | null = null;
  try {
    if (findCaller !== undefined && token !== null) caller = await findCaller(token);
  } catch (error) {
    if (error instanceof KeysUnavailable) throw new ApiError('SERVICE_UNAVAILABLE', { cause: error });
    logger.debug('token refused', { requestId, error });
  }
  if (caller === null) throw new ApiError('AUTHENTICATION_FAILED');
  return caller;
}

/** The header's value; throws when it was sent twice (Node keeps the first Authorization and joins others). */
function onlyHeader({ raw }: FastifyRequest, name: string): string | undefined {
  const [value, ...more] = valuesOf(raw, name);
  if (more.length > 0) throw new ApiError('AUTHENTICATION_FAILED');
  return value;
}

/** Compact JWS behind `Bearer`, else null. Headers are bounded by Node (16 KiB). */
function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1] ?? null;
}
