import { createHash, randomBytes } from 'node:crypto';
import type { ConsoleSession } from '@rekey/control';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { AuthSettings } from '../auth/settings.ts';
import type { SessionStore } from '../dependencies.ts';
import { cookieOf, sessionCookie } from './cookies.ts';

/** A signed-in person, as far as the guard cares. */
export interface Session {
  readonly caller: Caller;
  /** Null: the issuer did not say. */
  readonly loggedInAt: Date | null;
  readonly expiresAt: Date;
}

export interface Sessions {
  /** Begins one; the value of its cookie, and when it ends. The one that the request brings ends. */
  begin(
    request: FastifyRequest,
    caller: Caller,
    loggedInAt: Date | null,
  ): Promise<{ readonly value: string; readonly expiresAt: Date }>;
  /** The session whose cookie the request brings; null: none that stands. */
  find(request: FastifyRequest): Promise<Session | null>;
  end(request: FastifyRequest): Promise<void>;
}

/** A page that refreshes itself says so: nobody need be sitting there. It can only shorten a session. */
const backgroundHeader = 'x-rekey-background';

const idBytes = 32;
const idForm = /^[\w-]{43}$/;

/**
 * Sessions by a random cookie. The database keeps the hash of the cookie together with how tokens are verified: with another
 * secret, issuer, audience or place of the roles, every session of before is over.
 */
export function createSessions(store: SessionStore, auth: AuthSettings): Sessions {
  const verifiedHow = digest(
    JSON.stringify(auth, (_key, value) => (value instanceof Map ? [...value] : value)),
  );
  const hashOf = (value: string): Buffer => digest(Buffer.concat([verifiedHow, Buffer.from(value)]));
  const hashIn = (request: FastifyRequest): Buffer | null => {
    const value = cookieOf(request, sessionCookie);
    return value !== null && idForm.test(value) ? hashOf(value) : null;
  };
  const end = async (request: FastifyRequest): Promise<void> => {
    const hash = hashIn(request);
    if (hash !== null) await store.end(hash);
  };

  return {
    async begin(request, caller, loggedInAt) {
      await end(request);
      const value = randomBytes(idBytes).toString('base64url');
      const expiresAt = new Date(caller.expiresAtMs ?? 0);
      return { value, expiresAt: await store.open(hashOf(value), { caller, loggedInAt, expiresAt }) };
    },
    async find(request) {
      const hash = hashIn(request);
      if (hash === null) return null;
      const { operationId } = request.routeOptions.config;
      const counts = request.headers[backgroundHeader] === undefined && operationId !== 'followRotation';
      const found = await store.use(hash, counts);
      return found === null ? null : sessionFrom(found);
    },
    end,
  };
}

/** What we wrote: nobody else may write there, and every field was held against its type before. */
function sessionFrom({ caller, loggedInAt, expiresAt }: ConsoleSession): Session {
  return { caller: { ...(caller as Caller), expiresAtMs: expiresAt.getTime() }, loggedInAt, expiresAt };
}

function digest(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
