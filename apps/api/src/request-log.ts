import { type ErrorCode, errorTable, formatRotationId, parseRotationId, parseUuid } from '@rekey/contract';
import type { LogFields, Logger } from '@rekey/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a request turned out to be about, and came to; written into its log line. */
export interface Noted {
  tenantId?: string;
  /** As the client knows it: `rot-<uuid>`. */
  rotationId?: string;
  code?: ErrorCode;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it comes from, behind the proxies that are trusted. */
    address: string;
    noted: Noted;
  }
}

const probes = /^\/(livez|readyz)(\?|$)/;

/** Writes one line per answered request, refused ones included; probes only at debug level. */
export function requestLog(logger: Logger) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const log = probes.test(request.url) ? logger.debug : logger.info;
    log('request', () => ({
      ...whoAndWhat(request),
      method: request.method,
      path: request.url.split('?', 1)[0] ?? '',
      status: reply.statusCode,
      outcome: outcomeOf(cameTo(request, reply)),
      code: request.noted.code,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }));
  };
}

/** The status, or that of the error which a browser was not answered with but sent on for. */
export function cameTo({ noted: { code } }: FastifyRequest, { statusCode }: FastifyReply): number {
  return code === undefined ? statusCode : errorTable[code].status;
}

/** Who asked, from where, and which tenant and rotation it is about: the one known, else the one that was named. */
export function whoAndWhat({ id, address, caller, noted, headers, params }: FastifyRequest): LogFields {
  const named = typeof headers['x-tenantid'] === 'string' ? parseUuid(headers['x-tenantid']) : null;
  return {
    requestId: id,
    address,
    realm: caller?.realm,
    subject: caller?.id,
    tenantId: noted.tenantId ?? named ?? undefined,
    rotationId: noted.rotationId ?? rotationIn(params),
  };
}

/** That the rotation in the way of one because of a compromised key was cancelled for it. */
export function tellOfSuperseded(
  logger: Logger,
  {
    superseded,
  }: { readonly superseded: { readonly view: { readonly id: string; readonly tenantId: string } } | null },
): void {
  if (superseded === null) return;
  const { id: rotationId, tenantId } = superseded.view;
  logger.info('rotation superseded by one because of a compromised key', { rotationId, tenantId });
}

export function outcomeOf(status: number): 'done' | 'refused' | 'failed' {
  if (status < 400) return 'done';
  return status < 500 ? 'refused' : 'failed';
}

function rotationIn(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('rotationId' in params)) return undefined;
  const id = typeof params.rotationId === 'string' ? parseRotationId(params.rotationId) : null;
  return id === null ? undefined : formatRotationId(id);
}
