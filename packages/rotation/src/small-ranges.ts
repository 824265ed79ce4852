import {
  type Batch,
  type ProvedRange,
  proveRanges,
  readSmallWindows,
  type Target,
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
 * What small ranges of whichever rotations are read, written and proved by: one statement for those that come to the same at
 * the same time, in whatever tables. Undefined: this one is to be done by itself.
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
  readonly target: Target;
  readonly sweep: Sweep;
  readonly batch: Batch;
  readonly sinceMs: number;
}

/**
 * What one statement of small ranges may hold: so many ranges with so many records (a writer of one of them waits for all of
 * them), in so many tables, since each set of tables is a statement that connections have to know.
 */
const mostOf = { ranges: 24, records: 8 * itemsMax, tables: 4 } as const;

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

  const read = together<Sweep, Window | undefined>(
    async (sweeps) => {
      if (sweeps.some(({ signal }) => signal.aborted)) return [];
      const windows = await readSmallWindows(
        sweepStore,
        sweeps.map(({ target, rotation }) => ({ target, ...rotation })),
      );
      return windows.map((window) => window ?? undefined);
    },
    alone,
    { gate, share: (sweeps) => sharing(sweeps, ({ lease }) => lease.planned) },
  );

  const write = together<Writing, number | Refused | undefined>(
    async (all) => {
      if (all.some(({ sweep, sinceMs }) => isLate([sweep], sinceMs))) return [];
      // Records are slow to write here: those of others would be locked as long.
      if (env.batchSize.isSlow) return [];
      const sentMs = performance.now();
      const written = await writeBatches(
        sweepStore,
        all.map(({ target, sweep, batch }) => ({ target, lease: sweep.lease, batch })),
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
    { gate, share: (all) => sharing(all, ({ batch }) => batch.replacements.items) },
  );

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
    read,
    write: (sweep, batch) => write({ target: sweep.target, sweep, batch, sinceMs: performance.now() }),
    prove: (sweeps) => prove({ sweeps, sinceMs: performance.now() }),
  };
}

/**
 * How many of them, from the first on, go by one statement. Of a table that is two targets only one goes: a row that both are
 * about would be changed once, and left to another pass of the other.
 */
function sharing<Order extends { readonly target: Target }>(
  orders: readonly Order[],
  recordsOf: (order: Order) => number,
): number {
  const names = new Map<string, string>();
  let records = 0;
  let count = 0;
  for (const order of orders) {
    const { table, name } = order.target;
    records += recordsOf(order);
    const isOther = (names.get(table) ?? name) !== name;
    const isTableTooMany = !names.has(table) && names.size === mostOf.tables;
    if (isOther || isTableTooMany || count === mostOf.ranges) break;
    if (count > 0 && records > mostOf.records) break;
    names.set(table, name);
    count += 1;
  }
  return count;
}
