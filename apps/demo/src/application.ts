import { setTimeout as sleep } from 'node:timers/promises';
import type { Vault } from '@rekey/vault';
import type { Ledger } from './ledger.ts';
import { type RecordSet, tenantId } from './records.ts';

const readers = 3;
const writers = 2;

/** An application thinks between two queries; without a pause it would measure how fast it can spin. */
const readerPauseMs = 4;
const writerPauseMs = 8;

const troublesKept = 5;

export const periods = ['before', 'during', 'after'] as const;
export type Period = (typeof periods)[number];

/** Operations that ended within a period. */
export interface Tally {
  done: number;
  errors: number;
  longestMs: number;
}

export interface Activity {
  readonly reads: Readonly<Record<Period, Readonly<Tally>>>;
  readonly writes: Readonly<Record<Period, Readonly<Tally>>>;
  /** The first things that went wrong, a line each. */
  readonly troubles: readonly string[];
}

export interface Application {
  /** Live: it changes while the application works. */
  readonly activity: Activity;
  /** From now on operations count for this period. */
  enter(period: Period): void;
  /** Resolves when the last operation has ended. */
  stop(): Promise<void>;
}

/**
 * The application whose data is rotated under its hands: readers and writers on random records, through the vault, in
 * loops of their own. Each record has one writer, so what a reader may get is known exactly: the last value
 * acknowledged before it asked, or one whose write had begun before it got its answer. Anything else is an error.
 */
export function startApplication(
  vault: Pick<Vault, 'get' | 'put'>,
  records: RecordSet,
  ledger: Ledger,
): Application {
  const activity = { reads: tallies(), writes: tallies(), troubles: [] as string[] };
  let period: Period = 'before';
  let stopping = false;

  const measured = async (kind: 'reads' | 'writes', work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    let trouble: string | undefined;
    try {
      await work();
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    const tally = activity[kind][period];
    tally.longestMs = Math.max(tally.longestMs, performance.now() - began);
    tally.done += 1;
    if (trouble === undefined) return;
    tally.errors += 1;
    if (activity.troubles.length < troublesKept) activity.troubles.push(trouble);
  };

  const read = async (): Promise<void> => {
    const number = Math.floor(Math.random() * records.total);
    const { target, id } = records.place(number);
    const oldest = ledger.acknowledged(number);
    const value = await vault.get({ target, tenantId, id });
    if (value === null) throw new Error(`${target} ${id} was not found`);
    if (!ledger.admits(number, oldest, value)) throw new Error(`${target} ${id} held a value never written`);
  };

  const write = async (writer: number): Promise<void> => {
    const number = writer + writers * Math.floor(Math.random() * ownedBy(writer, records.total));
    const { target, id } = records.place(number);
    const version = ledger.begin(number);
    await vault.put({ target, tenantId, id, value: records.value(number, version) });
    ledger.acknowledge(number, version);
  };

  const loop = async (
    kind: 'reads' | 'writes',
    pauseMs: number,
    work: () => Promise<void>,
  ): Promise<void> => {
    while (!stopping) {
      await measured(kind, work);
      await sleep(pauseMs);
    }
  };

  const loops = [
    ...Array.from({ length: readers }, () => loop('reads', readerPauseMs, read)),
    ...Array.from({ length: writers }, (_, writer) => writer)
      .filter((writer) => ownedBy(writer, records.total) > 0)
      .map((writer) => loop('writes', writerPauseMs, () => write(writer))),
  ];

  return {
    activity,
    enter(next) {
      period = next;
    },
    async stop() {
      stopping = true;
      await Promise.all(loops);
    },
  };
}

/** Of the numbers below `total`, those that leave `writer` when divided by the number of writers. */
function ownedBy(writer: number, total: number): number {
  return Math.ceil((total - writer) / writers);
}

function tallies(): Record<Period, Tally> {
  const none = (): Tally => ({ done: 0, errors: 0, longestMs: 0 });
  return { before: none(), during: none(), after: none() };
}

/** All periods together. */
export function sumOf(tally: Readonly<Record<Period, Readonly<Tally>>>): Tally {
  const { before, during, after } = tally;
  return {
    done: before.done + during.done + after.done,
    errors: before.errors + during.errors + after.errors,
    longestMs: Math.max(before.longestMs, during.longestMs, after.longestMs),
  };
}
