import type { Logger } from '@rekey/runtime';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Caller } from './caller.ts';
import type { FindCaller } from './remember-callers.ts';
import { KeysUnavailable } from './verifier.ts';

export interface Authentication {
  /** One for each admitted realm: which one is asked never depends on the token. */
  readonly realms: ReadonlyMap<string, FindCaller>;
  readonly defaultRealm: string;
}

/**
 * A hook that sets `request.caller` from the bearer token, or throws: AUTHENTICATION_FAILED with never a reason,
 * SERVICE_UNAVAILABLE when the issuer's keys cannot be had.
 */
export function authenticate({ realms, defaultRealm }: Authentication, logger: Logger) {
  return async (request: FastifyRequest): Promise<void> => {
    const findCaller = realms.get(onlyHeader(request, 'realmname') ?? defaultRealm);
    const token = bearerToken(onlyHeader(request, 'authorization'));
    request.caller = await callerBehind(token, findCaller, { requestId: request.id, logger });
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
  const values = raw.headersDistinct[name];
  if (values !== undefined && values.length > 1) throw new ApiError('AUTHENTICATION_FAILED');
  return values?.[0];
}

/** Compact JWS behind `Bearer`, else null. Headers are bounded by Node (16 KiB). */
function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1] ?? null;
}
