import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionBudget,
  findConnectionRoom,
  openStore,
  roomProblem,
  type Store,
  StoreError,
} from '@rekey/db';
import { type ChosenCipher, type CipherChoice, FfiUnavailable, openBatchCipher } from '@rekey/envelope';
import { proveKek } from '@rekey/keyring';
import { isTransient, type Kek, KmsError, openKek } from '@rekey/kms';
import { ConfigError, type Logger, refuseToStart } from '@rekey/runtime';
import { checkSchema } from '@rekey/schema';

/** Opens the KEK and tries it. One that is away for the moment is waited for; one that can never work is refused. */
export async function usableKek(uri: string, logger: Logger): Promise<Kek> {
  try {
    const opened = await openKek(uri);
    if (!(await unwrapsWhatItWraps(opened, logger))) refuse('KEK_URI: what it wraps it does not unwrap');
    return opened;
  } catch (error) {
    if (error instanceof KmsError) refuse(`KEK_URI: ${error.message}`);
    throw error;
  }
}

/** The cipher that records are re-encrypted with, and why it is not the one that was hoped for. */
export function usableCipher(choice: CipherChoice): ChosenCipher {
  try {
    return openBatchCipher(choice);
  } catch (error) {
    if (error instanceof FfiUnavailable) refuse(`REKEY_CIPHER=ffi cannot be used here: ${error.message}`);
    throw error;
  }
}

async function unwrapsWhatItWraps(opened: Kek, logger: Logger): Promise<boolean> {
  const aad = Buffer.from('rekey start');
  const probe = Buffer.alloc(32, 0x5a);
  try {
    return (await opened.unwrap(await opened.wrap(probe, aad), aad)).equals(probe);
  } catch (error) {
    if (!isTransient(error)) throw error;
    logger.warn('the KMS is away: waiting for it', { error });
    return true;
  }
}

const lookAgainAfterMs = 500;

/**
 * Resolves once the database has this program's schema, and the KEK is seen to be the one that its DEKs are wrapped
 * under. Waits while Postgres or the KMS is away, since a worker with another KEK must not touch a rotation; whatever
 * can never work is refused.
 */
export async function provenPlace(
  databaseUrl: string,
  budget: ConnectionBudget,
  kek: Kek,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const store = open(databaseUrl, budget);
  let said = '';
  try {
    for (;;) {
      const awaited = await prove(store, kek);
      if (awaited === null) return await warnOfRoom(store, budget, logger);
      const message = awaited.error instanceof KmsError ? 'the KMS is away' : 'postgres is away';
      if (said !== message) logger.warn(`${message}: waiting for it`, awaited);
      said = message;
      await sleep(lookAgainAfterMs * (1 + Math.random()), undefined, { signal });
    }
  } finally {
    await store.end();
  }
}

/** Later ones may take what is there now; whether it is enough today can be said. */
async function warnOfRoom(store: Store, budget: ConnectionBudget, logger: Logger): Promise<void> {
  const problem = await findConnectionRoom(store, budget).then(
    (room) => roomProblem(budget, room),
    () => null, // it is no condition of a start
  );
  if (problem !== null) logger.warn(problem);
}

function open(url: string, budget: ConnectionBudget): Store {
  try {
    return openStore({ url, max: 1, budget, applicationName: 'rekey-start', onError: () => {} });
  } catch (error) {
    return refuse(`DATABASE_URL: ${sayForeign(error)}`);
  }
}

/** Null: all is well. What only has to be waited for is returned. */
async function prove(store: Store, kek: Kek): Promise<{ error: Error } | null> {
  try {
    await checkSchema(store);
    await proveKek(store, kek);
    return null;
  } catch (error) {
    if (error instanceof KmsError)
      return isTransient(error) ? { error } : refuse(`KEK_URI: ${error.message}`);
    if (!(error instanceof StoreError)) return refuse(`DATABASE_URL: ${sayForeign(error)}`);
    const passes = error.code === 'UNAVAILABLE' || error.code === 'CONFLICT' || error.code === 'LOCKED';
    return passes ? { error } : refuse(`DATABASE_URL: ${error.message}`);
  }
}

/** Errors of the driver and of TLS: their messages may quote what they were given, so that only the code is told. */
function sayForeign(error: unknown): string {
  if (!(error instanceof Error)) return 'Postgres cannot be used';
  if (error.message.startsWith('SASL')) return 'the server asks for a password, and there is none in it';
  if (error.message.includes('does not support SSL'))
    return 'it asks for TLS, which the server does not speak';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return `Postgres cannot be used by it (${code})`;
}

function refuse(problem: string): never {
  return refuseToStart(new ConfigError([problem]));
}
