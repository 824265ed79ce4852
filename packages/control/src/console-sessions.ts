import { type Queryable, row, rows } from '@rekey/db';

/** What stands behind the cookie of a signed-in person. */
export interface ConsoleSession {
  /** As it was given to {@link openConsoleSession}. */
  readonly caller: unknown;
  /** Null: nobody knows when. */
  readonly loggedInAt: Date | null;
  readonly expiresAt: Date;
}

/** Begins a session; until when it lasts. The hash is of the cookie, 32 bytes. */
export async function openConsoleSession(
  on: Queryable,
  hash: Buffer,
  {
    caller,
    loggedInAt,
    expiresAt,
  }: ConsoleSession & { readonly caller: { readonly realm: string; readonly id: string } },
): Promise<Date> {
  const { ends } = await row<{ ends: Date }>(
    on,
    'select rekey.open_console_session($1, $2, $3, $4, $5, $6) as ends',
    [hash, caller.realm, caller.id, JSON.stringify(caller), loggedInAt, expiresAt],
  );
  return ends;
}

/** The session behind that hash; null: there is none any more. `counts`: it has been used, and so is not idle. */
export async function useConsoleSession(
  on: Queryable,
  hash: Buffer,
  counts: boolean,
): Promise<ConsoleSession | null> {
  const [found] = await rows<{ caller: unknown; logged_in_at: Date | null; expires_at: Date }>(
    on,
    'select caller, logged_in_at, expires_at from rekey.use_console_session($1, $2)',
    [hash, counts],
  );
  return found === undefined
    ? null
    : { caller: found.caller, loggedInAt: found.logged_in_at, expiresAt: found.expires_at };
}

/** Ends a session; that it was there is nobody's business. */
export async function endConsoleSession(on: Queryable, hash: Buffer): Promise<void> {
  await rows(on, 'select rekey.end_console_session($1)', [hash]);
}
