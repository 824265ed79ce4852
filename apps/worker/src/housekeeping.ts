import { setTimeout as sleep } from 'node:timers/promises';
import {
  cutEvents,
  endSilentThrottles,
  foldRecordCounts,
  forgetIdempotencyKeys,
  forgetPlans,
  forgetProcesses,
  keepSummary,
  noteLongPauses,
  recognizeDatabase,
} from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';
import { checkSchema } from '@rekey/schema';
import { choresEveryMs } from '@rekey/times';
import type { KeepLog } from './keep-log.ts';
import { recover } from './recovery.ts';

export interface HousekeepingDependencies {
  readonly store: Store;
  /** For what may take longer: to know a restored database's tables again, to look whether events may be cut off. */
  readonly patientStore: Store;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueLost' | 'enqueueLostRanges' | 'hurry'>;
  readonly logger: Logger;
  /** Called once when a newer version has made the schema one that this version must not work on. */
  readonly onUnfit: () => void;
  /** Ends the drains that jobs left, and says who is in the way. */
  readonly drain: () => Promise<void>;
  /** Ends the transactions that hold a compromised DEK for too long. */
  readonly endCompromised: () => Promise<void>;
  /** Closes and opens rotations by their windows. */
  readonly keepHours: () => Promise<void>;
  /** Begins what policies ask for. */
  readonly followPolicies: () => Promise<void>;
  /** Makes certificates, of all rotations or of recent ones; null: this worker has no key for it. */
  readonly certify: ((all: boolean) => Promise<void>) | null;
  /** Writes what the database recorded to the log. */
  readonly writeEvents: (signal: AbortSignal) => Promise<void>;
  /** Brings events into the log, of all chains or of recent ones, and signs what it then is. */
  readonly keepLog: Pick<KeepLog, 'append' | 'checkpoint'>;
  /** Destroys the DEKs whose time has come. */
  readonly destroyDue: () => Promise<void>;
  /** Tries the KEKs that tenants have chosen. */
  readonly tryChosenKeks: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** About every ten seconds. */
const roundsPerSchemaCheck = 10;
/** By then it is no hiccup; after that it is said again once a minute. */
const roundsUntilTold = 10;
const roundsBetween = 60;
/** About once in ten minutes. */
const roundsPerTidying = 600;
/** From then on a paused rotation needs somebody. */
const longPauseMs = 24 * 60 * 60_000;
/** And this often, besides the first round, it is looked whether this is still the same database. */
const roundsPerSight = 15;
/** A certificate is there within ten seconds of the end. */
const roundsPerCertificates = 3;
/** A DEK is destroyed within half a minute after its time. */
const roundsPerDestruction = 15;
/** Whoever asks adds what was appended since. */
const roundsPerSummary = 5;
/** An event is in the log within ten seconds, and under a checkpoint within about a minute more. */
const turnsPerLog = 6;
const turnsPerCheckpoint = 60;

/**
 * What a worker does besides its jobs, about once a second until the signal. Trouble with one chore is left for the next
 * round and keeps none of the others from being done.
 */
export async function keepHouse({
  store,
  patientStore,
  ticketQueue,
  logger,
  drain,
  endCompromised,
  keepHours,
  followPolicies,
  certify,
  writeEvents,
  keepLog,
  destroyDue,
  tryChosenKeks,
  onUnfit,
  signal,
}: HousekeepingDependencies): Promise<void> {
  const { least, most } = choresEveryMs;
  let failedRounds = 0;
  let trouble: unknown;
  const chore = async (work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => {
      trouble = error;
    });
  };
  for (let round = 1; ; round += 1) {
    // Jittered, so that many workers do not all look at the same moment.
    await sleep(least + Math.random() * (most - least), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    trouble = undefined;
    if (round % roundsPerSchemaCheck === 0 && (await isUnfit(store, logger))) return onUnfit();
    await chore(endCompromised);
    await chore(drain);
    await chore(keepHours);
    await chore(followPolicies);
    await chore(() => recover(store, ticketQueue));
    await chore(() => foldRecordCounts(store));
    if (round % roundsPerSummary === 2) await chore(() => keepSummary(patientStore));
    await chore(tryChosenKeks);
    await chore(() => writeEvents(signal));
    if (round % roundsPerSight === 1) await chore(() => recognize(patientStore, logger));
    if (round % roundsPerTidying === 0) {
      await chore(() => forgetIdempotencyKeys(store));
      await chore(() => forgetProcesses(store));
      await chore(() => forgetPlans(store));
      await chore(() => cutOff(patientStore));
    }
    if (round % roundsPerSchemaCheck === 1) await chore(() => endSilentThrottles(store));
    if (round % roundsPerDestruction === 3) await chore(destroyDue);
    if (round % roundsPerTidying === 1) await chore(() => tellOfLongPauses(store, logger));
    if (certify !== null && round % roundsPerCertificates === 1)
      await chore(() => certify(round % roundsPerTidying === 1));
    const isCheckpoint = round % turnsPerCheckpoint === 5;
    if (isCheckpoint || round % turnsPerLog === 0) await chore(() => keepLog.append(isCheckpoint));
    if (isCheckpoint) await chore(() => keepLog.checkpoint());
    failedRounds = trouble === undefined ? 0 : failedRounds + 1;
    if (trouble === undefined) continue;
    // Unfinished rotations are not found meanwhile: to whoever looks at them it is as if there were no worker.
    const level = failedRounds % roundsBetween === roundsUntilTold ? 'warn' : 'debug';
    logger[level]('housekeeping waits', { error: trouble });
  }
}

/** Some at a time: nothing waits for it, and the log of Postgres is not flooded. */
const cutAtOnce = 2_000;
const cutsAtOnce = 20;

async function cutOff(store: Store): Promise<void> {
  for (let n = 0; n < cutsAtOnce; n += 1) if ((await cutEvents(store, cutAtOnce)) === 0) return;
}

async function isUnfit(store: Store, logger: Logger): Promise<boolean> {
  try {
    await checkSchema(store);
    return false;
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'SCHEMA_OUTDATED') return false;
    logger.error('this worker takes no work any more: the schema is of another version', { error });
    return true;
  }
}

async function tellOfLongPauses(store: Store, logger: Logger): Promise<void> {
  for (const { rotationId, tenantId, pausedAt } of await noteLongPauses(store, longPauseMs))
    logger.warn('rotation needs somebody: it has been paused for a day, and holds its tenant', {
      rotationId,
      tenantId,
      ms: Date.now() - pausedAt.getTime(),
    });
}

async function recognize(store: Store, logger: Logger): Promise<void> {
  const database = await recognizeDatabase(store);
  if (database === 'promoted')
    logger.warn('the database was promoted or recovered: what was committed last may be gone');
  if (database === 'restored') logger.warn('the database is another one than before, restored or copied');
}
