import { endConsoleSession, openConsoleSession, useConsoleSession } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { SessionStore } from './dependencies.ts';

/** Sessions of the console, bound to one pool. */
export function connectSessions(store: Store): SessionStore {
  return {
    open: (hash, session) => openConsoleSession(store, hash, session),
    use: (hash, counts) => useConsoleSession(store, hash, counts),
    end: (hash) => endConsoleSession(store, hash),
  };
}
