import type { RunningRotation } from '@rekey/control';
import {
  type Batch,
  createReplacements,
  type Lease,
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
import type { RotationEnvironment } from './environment.ts';
import { isOnlyFencedByATrigger } from './fenced.ts';

/** What a batch is written to, and how it treats what is locked. */
export interface WriteOrder {
  readonly rotation: RunningRotation;
  readonly target: Target;
  readonly lease: Lease;
  readonly batch: Batch;
  readonly locked: Locked;
}

/**
 * Writes a batch whatever is in it. Records that are locked for long are left out; one that the database refuses to
 * update for what stands in it is found by halving the batch, and set aside. How many were replaced; null when the lease
 * is lost. Throws trouble that passes, or that is not of one record.
 */
export async function writeSettled(env: RotationEnvironment, order: WriteOrder): Promise<number | null> {
  const { target, lease, batch, locked } = order;
  const sentMs = performance.now();
  try {
    const replaced = await writeBatch(env.sweepStore, target, lease, batch, locked);
    const { items, bytes } = batch.replacements;
    const ms = performance.now() - sentMs;
    if (locked === 'wait' && items > 0) {
      env.batchSize.took(items, ms);
      env.statementLimiter?.took(items, bytes, ms);
    }
    return replaced;
  } catch (error) {
    if (locked === 'wait' && isLocked(error)) return writeSettled(env, { ...order, locked: 'skip' });
    const reason = await refusal(env, order.rotation, error);
    if (reason === null || batch.replacements.items === 0) throw error;
    return writeInHalves(env, order, reason);
  }
}

async function writeInHalves(
  env: RotationEnvironment,
  order: WriteOrder,
  reason: SetAsideReason,
): Promise<number | null> {
  const { target, lease, batch, locked } = order;
  const { replacements } = batch;
  const none = nothing(target, batch.replacements);
  let replaced = 0;
  if (replacements.items === 1) {
    const [id, seen] = replacements.only();
    const aside = { ...batch, replacements: none, setAside: [...batch.setAside, { id, seen, reason }] };
    return writeBatch(env.sweepStore, target, lease, aside, locked);
  }
  const middle = Math.ceil(replacements.items / 2);
  for (const [from, to] of [
    [0, middle],
    [middle, replacements.items],
  ] as const) {
    const half = replacements.part(from, to);
    const written = await writeSettled(env, {
      ...order,
      batch: { ...batch, replacements: half, setAside: [], cursor: null },
    });
    half.release();
    if (written === null) return null;
    replaced += written;
  }
  if (batch.setAside.length === 0 && batch.cursor === null) return replaced;
  const rest = await writeBatch(env.sweepStore, target, lease, { ...batch, replacements: none }, locked);
  return rest === null ? null : replaced;
}

/**
 * Writes a few records that were left over again and again, each for itself: one whose lock changes hands without a pause
 * is won in its queue.
 */
export async function writeOneByOne(
  env: RotationEnvironment,
  order: Omit<WriteOrder, 'locked'>,
  patienceMs: number,
): Promise<number | null> {
  const { target, lease, batch } = order;
  let replaced = 0;
  let aliveMs = performance.now();
  const withinLimit = (work: () => Promise<number | null>): Promise<number | null> => {
    const send = async (): Promise<number | null> => {
      const isLong = performance.now() - aliveMs > heartbeatWhileWaitingMs;
      if (isLong && !(await renewLease(env.sweepStore, lease))) return null;
      if (isLong) aliveMs = performance.now();
      return work();
    };
    return env.lockLimiter === undefined ? send() : env.lockLimiter.run(send);
  };
  for (let index = 0; index < batch.replacements.items; index += 1) {
    const one = batch.replacements.part(index, index + 1);
    const alone = { ...batch, replacements: one, setAside: [], cursor: null };
    try {
      const written = await withinLimit(() => writeAlone(env.sweepStore, target, lease, alone, patienceMs));
      if (written === null) return null;
      replaced += written;
    } catch (error) {
      if (!isLocked(error)) {
        const reason = await refusal(env, order.rotation, error);
        if (reason === null) throw error;
        const written = await writeInHalves(env, { ...order, batch: alone, locked: 'judge' }, reason);
        if (written === null) return null;
      }
    } finally {
      one.release();
    }
  }
  const rest = { ...batch, replacements: nothing(target, batch.replacements) };
  return (await writeBatch(env.sweepStore, target, lease, rest, 'judge')) === null ? null : replaced;
}

/** No replacements, in a batch that has something else to say. */
function nothing(target: Target, { identityBytes }: Replacements): Replacements {
  return createReplacements(target, { identityBytes, items: 0, bytes: 0 });
}

function isLocked(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'LOCKED' || error.code === 'CONFLICT');
}

async function refusal(
  env: RotationEnvironment,
  rotation: RunningRotation,
  error: unknown,
): Promise<SetAsideReason | null> {
  const reason = refusalOf(error);
  if (reason !== null) return reason;
  const isFenced = error instanceof StoreError && error.code === 'FENCED';
  return isFenced && (await isOnlyFencedByATrigger(env, rotation)) ? 'REFUSED_BY_TRIGGER' : null;
}
