import { setTimeout as sleep } from 'node:timers/promises';
import { registerKek, registerKekTemplate } from '@rekey/control';
import {
  type ConnectionBudget,
  findConnectionRoom,
  openStore,
  roomProblem,
  type Store,
  StoreError,
} from '@rekey/db';
import { type ChosenCipher, type CipherChoice, FfiUnavailable, openBatchCipher } from '@rekey/envelope';
import { proveKeks } from '@rekey/keyring';
import { isTransient, type Keks, KmsError } from '@rekey/kms';
import { ConfigError, type Logger, refuseToStart } from '@rekey/runtime';
import { checkSchema, findDriftOfThisVersion } from '@rekey/schema';

/** The cipher that records are re-encrypted with, and why it is not the one that was hoped for. */
export function usableCipher(choice: CipherChoice): ChosenCipher {
  try {
    return openBatchCipher(choice);
  } catch (error) {
    if (error instanceof FfiUnavailable) refuse(`REKEY_CIPHER=ffi cannot be used here: ${error.message}`);
    throw error;
  }
}

const lookAgainAfterMs = 500;
/** A schema that somebody has rearranged does not fill the log. */
const driftLinesMax = 10;

/**
 * Resolves once the database has this program's schema, and one of the KEKs is seen to be one that its DEKs are
 * wrapped under. Waits while Postgres or the KMS is away, since a worker with another KEK must not touch a rotation; whatever
 * can never work is refused.
 */
export async function provenPlace(
  databaseUrl: string,
  budget: ConnectionBudget,
  keks: Keks,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const store = open(databaseUrl, budget);
  let said = '';
  try {
    for (;;) {
      const awaited = await prove(store, keks);
      if (awaited === null) {
        await warnOfRoom(store, budget, logger);
        return await warnOfDrift(store, logger);
      }
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

/** What was changed by hand may be meant; what the guarantee rests on is looked at again by each rotation. */
async function warnOfDrift(store: Store, logger: Logger): Promise<void> {
  const drift = await findDriftOfThisVersion(store).catch((error: unknown) => {
    logger.warn('the schema could not be compared with what was installed', { error }); // no condition of a start either
    return [];
  });
  for (const line of drift.slice(0, driftLinesMax))
    logger.warn('the schema is not as it was installed', { reason: line });
  if (drift.length > driftLinesMax)
    logger.warn('the schema differs in more than that: npm run migrate -- --check', { items: drift.length });
}

function open(url: string, budget: ConnectionBudget): Store {
  try {
    return openStore({ url, max: 1, budget, applicationName: 'rekey-start', onError: () => {} });
  } catch (error) {
    return refuse(`DATABASE_URL: ${sayForeign(error)}`);
  }
}

/** Null: all is well. What only has to be waited for is returned. */
async function prove(store: Store, keks: Keks): Promise<{ error: Error } | null> {
  try {
    await checkSchema(store);
    await proveKeks(store, keks);
    for (const [name, kekId] of keks.named) {
      const outcome = await registerKek(store, name, kekId);
      if (outcome === 'other_kek')
        refuse(`KEKS: the name ${name} is registered for another KEK than ${kekId}`);
      if (outcome === 'other_name') refuse(`KEKS: ${kekId} is registered under another name than ${name}`);
    }
    for (const { name, parts } of keks.tenantKeks?.templates.values() ?? []) {
      const outcome = await registerKekTemplate(store, name, parts);
      if (outcome === 'other_parts') refuse(`TENANT_KEKS: ${name} is registered with other free words`);
      if (outcome === 'other_kek') refuse(`TENANT_KEKS: the name ${name} is a KEK's`);
    }
    return null;
  } catch (error) {
    if (error instanceof KmsError)
      return isTransient(error) ? { error } : refuse(`${variableOf(error, keks)}: ${error.message}`);
    if (!(error instanceof StoreError)) return refuse(`DATABASE_URL: ${sayForeign(error)}`);
    const passes = error.code === 'UNAVAILABLE' || error.code === 'CONFLICT' || error.code === 'LOCKED';
    return passes ? { error } : refuse(`DATABASE_URL: ${error.message}`);
  }
}

function variableOf({ kekId }: KmsError, { held: [wrapsNew] }: Keks): string {
  return kekId === undefined || kekId === wrapsNew?.id ? 'KEK_URI' : 'KEK_URIS_UNWRAP_ONLY';
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
