import {
  type Batch,
  type ProvedRange,
  proveRanges,
  readSmallWindows,
  type Window,
  writeBatches,
} from '@rekey/data';
import { heartbeatWhileWaitingMs } from '@rekey/times';
import { measuredBatchSizes } from './batch-size.ts';
import type { RotationEnvironment } from './environment.ts';
import type { Refused } from './outcome.ts';
import type { Sweep } from './sweep.ts';
import { together } from './together.ts';

/** A range with no more records than this when it was planned, and nothing of its table outside of it, goes with others. */
const itemsMax = 60;

/**
 * What small ranges of whichever rotations are read, written and proved by: one statement for those that come to the same of
 * one table at the same time. Undefined: this one is to be done by itself.
 */
export interface SmallRanges {
  read(sweep: Sweep): Promise<Window | undefined>;
  write(sweep: Sweep, batch: Batch): Promise<number | Refused | undefined>;
  prove(sweeps: readonly Sweep[]): Promise<ReadonlyArray<ProvedRange | Refused> | undefined>;
}

export function isSmall({ lease: { lower, upper, cursor, planned } }: Pick<Sweep, 'lease'>): boolean {
  return lower === null && upper === null && cursor === null && planned <= itemsMax;
}

/** A batch of a small range, which has not grown meanwhile, and in which there is nothing but records to write. */
export function isSmallBatch(
  sweep: Pick<Sweep, 'lease'>,
  { setAside, replacements: { items } }: Batch,
): boolean {
  return isSmall(sweep) && setAside.length === 0 && items > 0 && items <= itemsMax;
}

interface Writing {
  readonly sweep: Sweep;
  readonly batch: Batch;
  readonly sinceMs: number;
}

interface OfTarget {
  readonly read: (sweep: Sweep) => Promise<Window | undefined>;
  readonly write: (writing: Writing) => Promise<number | Refused | undefined>;
}

type Env = Pick<
  RotationEnvironment,
  'sweepStore' | 'statementLimiter' | 'throttle' | 'batchSize' | 'onWritten'
>;

export function createSmallRanges(env: Env): SmallRanges {
  const { sweepStore } = env;
  const timed = async (work: () => Promise<void>): Promise<void> => {
    const sentMs = performance.now();
    await work();
    env.throttle?.took(performance.now() - sentMs);
  };
  const gate = (work: () => Promise<void>): Promise<void> =>
    env.statementLimiter === undefined ? timed(work) : env.statementLimiter.run(() => timed(work));
  const alone = async (): Promise<undefined> => undefined;
  /** After a long wait for a place a lease is to be renewed first, and after a signal nothing is sent. */
  const isLate = (sweeps: readonly Sweep[], sinceMs: number): boolean =>
    performance.now() - sinceMs > heartbeatWhileWaitingMs || sweeps.some(({ signal }) => signal.aborted);

  // By all that is said of it: each rotation loads its targets anew, and a table may be two of them.
  const targets = new Map<string, OfTarget>();
  const ofTarget = ({ target }: Sweep): OfTarget => {
    const definition = JSON.stringify(target);
    const known = targets.get(definition);
    if (known !== undefined) return known;
    const made = makeOf();
    targets.set(definition, made);
    return made;
  };
  const makeOf = (): OfTarget => ({
    read: together<Sweep, Window | undefined>(
      async (sweeps) => {
        const [first] = sweeps;
        if (first === undefined || sweeps.some(({ signal }) => signal.aborted)) return [];
        const windows = await readSmallWindows(
          sweepStore,
          first.target,
          sweeps.map(({ rotation }) => rotation),
        );
        return windows.map((window) => window ?? undefined);
      },
      alone,
      { gate },
    ),
    write: together<Writing, number | Refused | undefined>(
      async (all) => {
        const target = all[0]?.sweep.target;
        if (target === undefined || all.some(({ sweep, sinceMs }) => isLate([sweep], sinceMs))) return [];
        // Records are slow to write here: those of others would be locked as long.
        if (env.batchSize.isSlow) return [];
        const sentMs = performance.now();
        const written = await writeBatches(
          sweepStore,
          target,
          all.map(({ sweep, batch }) => ({ lease: sweep.lease, batch })),
        ).catch((error: unknown) => {
          for (const { batch } of all) batch.replacements.keep();
          throw error;
        });
        const ms = performance.now() - sentMs;
        const items = all.reduce((sum, { batch }) => sum + batch.replacements.items, 0);
        const bytes = all.reduce((sum, { batch }) => sum + batch.replacements.bytes, 0);
        if (items > 0) env.statementLimiter?.took(items, bytes, ms);
        // Else a worker with nothing but small ranges would go on in the batches of one that knows nothing yet.
        const { slowMs, itemsMin } = measuredBatchSizes;
        if (ms > slowMs || env.batchSize.items < itemsMin) env.batchSize.took(items, ms);
        // What is left out was locked, or changed by somebody: an application is at work on it.
        const isWhole = written.every(
          (count, i) => count === null || count === all[i]?.batch.replacements.items,
        );
        if (isWhole) env.throttle?.wrote(ms);
        else env.throttle?.missed();
        env.onWritten?.(
          written.reduce<number>((sum, replaced) => sum + (replaced ?? 0), 0),
          ms,
        );
        return written.map((replaced) => replaced ?? 'lost');
      },
      alone,
      { gate },
    ),
  });

  const prove = together<
    { readonly sweeps: readonly Sweep[]; readonly sinceMs: number },
    ReadonlyArray<ProvedRange | Refused> | undefined
  >(
    async (all) => {
      if (all.some(({ sweeps, sinceMs }) => isLate(sweeps, sinceMs))) return [];
      const proofs = await proveRanges(
        sweepStore,
        all.flatMap(({ sweeps }) => sweeps),
      );
      let from = 0;
      return all.map(({ sweeps }) => {
        from += sweeps.length;
        return proofs.slice(from - sweeps.length, from);
      });
    },
    alone,
    { gate },
  );

  return {
    read: (sweep) => ofTarget(sweep).read(sweep),
    write: (sweep, batch) => ofTarget(sweep).write({ sweep, batch, sinceMs: performance.now() }),
    prove: (sweeps) => prove({ sweeps, sinceMs: performance.now() }),
  };
}
