import {
  type Batch,
  createReplacements,
  type Locked,
  type Replacements,
  refusalOf,
  renewLease,
  type SetAsideReason,
  type Target,
  writeAlone,
  writeBatch,
} from '@rekey/data';
import { StoreError } from '@rekey/db';
import { heartbeatWhileWaitingMs } from '@rekey/times';
import { isOnlyFencedByATrigger } from './fenced.ts';
import type { Outcome } from './outcome.ts';
import type { Sweep } from './sweep.ts';

/** How many records were replaced, or that the lease is lost. */
type Written = number | Extract<Outcome, 'lost'>;

/**
 * Writes a batch whatever is in it. Records that are locked for long are left out; one that the database refuses to
 * update for what stands in it is found by halving the batch, and set aside. Throws trouble that passes, or that is not of
 * one record.
 */
export async function writeSettled(sweep: Sweep, batch: Batch, locked: Locked): Promise<Written> {
  const { env, target, lease, lockWait } = sweep;
  // Batches have become smaller since this one was cut: its records are slow to write, and locked all the while.
  if (env.batchSize.isSlow && batch.replacements.items > 2 * env.batchSize.items)
    return writeInHalves(sweep, batch, locked, null);
  const sentMs = performance.now();
  try {
    const replaced = await writeBatch(env.sweepStore, target, lease, batch, locked);
    const { items, bytes } = batch.replacements;
    const ms = performance.now() - sentMs;
    if (locked === 'wait' && items > 0) {
      env.batchSize.took(items, ms);
      env.statementLimiter?.took(items, bytes, ms);
      env.throttle?.wrote(ms);
    }
    // One that waited for all of its records met, at most, some that were changed meanwhile.
    if (items > 0) lockWait.wrote(items, locked === 'wait' ? 0 : items - (replaced ?? items));
    env.onWritten?.(replaced ?? 0, ms);
    return replaced ?? 'lost';
  } catch (error) {
    if (locked === 'wait' && isLocked(error)) {
      env.throttle?.missed();
      return writeSettled(sweep, batch, 'skip');
    }
    const reason = await refusal(sweep, error);
    if (reason === null || batch.replacements.items === 0) throw error;
    return writeInHalves(sweep, batch, locked, reason);
  }
}

async function writeInHalves(
  sweep: Sweep,
  batch: Batch,
  locked: Locked,
  /** Why one of them was refused; null: none was. */
  reason: SetAsideReason | null,
): Promise<Written> {
  const { env, target, lease } = sweep;
  const { replacements } = batch;
  const none = nothing(target, batch.replacements);
  let replaced = 0;
  if (reason !== null && replacements.items === 1) {
    const [id, seen] = replacements.only();
    const aside = { ...batch, replacements: none, setAside: [...batch.setAside, { id, seen, reason }] };
    return (await writeBatch(env.sweepStore, target, lease, aside, locked)) ?? 'lost';
  }
  const middle = Math.ceil(replacements.items / 2);
  for (const [from, to] of [
    [0, middle],
    [middle, replacements.items],
  ] as const) {
    using half = replacements.part(from, to);
    const part = { ...batch, replacements: half, setAside: [], cursor: null };
    const written = await writeSettled(sweep, part, locked);
    if (written === 'lost') return 'lost';
    replaced += written;
  }
  if (batch.setAside.length === 0 && batch.cursor === null) return replaced;
  const rest = await writeBatch(env.sweepStore, target, lease, { ...batch, replacements: none }, locked);
  return rest === null ? 'lost' : replaced;
}

/**
 * Writes a few records that were left over again and again, each for itself: one whose lock changes hands without a pause
 * is won in its queue.
 */
export async function writeOneByOne(sweep: Sweep, batch: Batch, patienceMs: number): Promise<Written> {
  const { env, target, lease, lockWait } = sweep;
  let replaced = 0;
  let stillLocked = 0;
  let aliveMs = performance.now();
  const withinLockLimit = (work: () => Promise<number | null>): Promise<number | null> => {
    const send = async (): Promise<number | null> => {
      const isLong = performance.now() - aliveMs > heartbeatWhileWaitingMs;
      if (isLong && !(await renewLease(env.sweepStore, lease))) return null;
      if (isLong) aliveMs = performance.now();
      return work();
    };
    return env.lockLimiter === undefined ? send() : env.lockLimiter.run(send);
  };
  for (let index = 0; index < batch.replacements.items; index += 1) {
    using one = batch.replacements.part(index, index + 1);
    const alone = { ...batch, replacements: one, setAside: [], cursor: null };
    const begunMs = performance.now();
    try {
      const written = await withinLockLimit(() =>
        writeAlone(env.sweepStore, target, lease, alone, patienceMs),
      );
      if (written === null) return 'lost';
      env.onWritten?.(written, performance.now() - begunMs);
      replaced += written;
    } catch (error) {
      if (!isLocked(error)) {
        const reason = await refusal(sweep, error);
        if (reason === null) throw error;
        if ((await writeInHalves(sweep, alone, 'judge', reason)) === 'lost') return 'lost';
      } else stillLocked += 1;
    }
  }
  lockWait.wrote(batch.replacements.items, stillLocked);
  const rest = { ...batch, replacements: nothing(target, batch.replacements) };
  return (await writeBatch(env.sweepStore, target, lease, rest, 'judge')) === null ? 'lost' : replaced;
}

/** No replacements, in a batch that has something else to say. */
function nothing(target: Target, { identityBytes }: Replacements): Replacements {
  return createReplacements(target, { identityBytes, items: 0, bytes: 0 });
}

function isLocked(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'LOCKED' || error.code === 'CONFLICT');
}

async function refusal({ env, rotation }: Sweep, error: unknown): Promise<SetAsideReason | null> {
  const reason = refusalOf(error);
  if (reason !== null) return reason;
  const isFenced = error instanceof StoreError && error.code === 'FENCED';
  return isFenced && (await isOnlyFencedByATrigger(env, rotation)) ? 'REFUSED_BY_TRIGGER' : null;
}
