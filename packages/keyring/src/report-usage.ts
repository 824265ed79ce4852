import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { beatProcess, reportUsage } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import type { Keks } from '@rekey/kms';
import { processBeatMs, reportEveryMs, reportLastMs, roundTripEveryMs } from '@rekey/times';
import { createRoundTrips } from './round-trips.ts';
import type { Usage } from './usage.ts';
import { version } from './version.ts';

export interface Reporting {
  readonly kind: 'worker' | 'vault';
  readonly store: Queryable;
  readonly keks: Keks;
  readonly usage: Usage;
  readonly onError: (error: Error) => void;
  /** How often it reports; tests are in more of a hurry. */
  readonly everyMs?: { readonly least: number; readonly most: number };
  readonly beatEveryMs?: number;
}

export interface Reports {
  /** A report by itself, without waiting for its time. */
  now(): Promise<void>;
  /** Says that this process ends, if anybody listens. Waits a second at most. */
  close(): Promise<void>;
}

/** Told by one statement. Also in SQL: `rekey.report_usage`. */
const entriesMax = 1_000;
const keksMax = 64;

/**
 * Reports to the register of processes: at once when the first DEK is used, and then at intervals. Nobody waits for a report,
 * and what goes wrong with one is said once and made up for by the next. KEKs are tried beside it, now and then.
 */
export function startReporting(reporting: Reporting): Reports {
  const {
    kind,
    store,
    keks,
    usage,
    onError,
    everyMs = reportEveryMs,
    beatEveryMs = processBeatMs.every,
  } = reporting;
  const id = randomUUID();
  const roundTrips = createRoundTrips(keks, { everyMs: roundTripEveryMs, failedMs: everyMs.least });
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | undefined;
  let isTold = false;
  let isKnown = false;
  let closed = false;

  const age = (at: number): number => Math.max(0, Math.round(performance.now() - at));

  const report = async (ends: boolean): Promise<void> => {
    // In as many parts as it takes, so that none of them is large. The last one says that it is all.
    for (let left = true; left; ) {
      const uses = usage.untold(entriesMax);
      const proved = roundTrips.untold(keksMax);
      left = uses.length === entriesMax || proved.length === keksMax;
      await reportUsage(store, {
        processId: id,
        kind,
        host: hostname().slice(0, 255),
        version,
        ends: ends && !left,
        toldAll: !left && !usage.isForgetful(),
        opened: uses.map(({ dekId, firstAt, lastAt }) => ({
          dekId,
          sinceMs: age(firstAt),
          lastMs: age(lastAt),
        })),
        proved,
        latencies: left ? {} : usage.latencies(),
      });
      isKnown = true;
      usage.told(uses);
      roundTrips.told(proved.map(({ kekId }) => kekId));
    }
  };

  const once = (ends = false): Promise<void> => {
    underWay ??= report(ends)
      .then(() => {
        isTold = false;
      })
      .catch((error: unknown) => {
        if (!isTold && error instanceof Error) onError(error);
        isTold = true;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };

  const next = (): void => {
    if (closed) return;
    const { least, most } = everyMs;
    timer = setTimeout(turn, least + Math.random() * (most - least)).unref();
  };

  const turn = async (): Promise<void> => {
    await roundTrips.tryDue();
    if (!closed) await once();
    next();
  };

  // One that fails is made up for by the next, or by a report.
  const beats = setInterval(() => {
    if (isKnown && !closed) beatProcess(store, id).catch(() => {});
  }, beatEveryMs).unref();
  usage.onFirstUse(() => void once());
  // The first turn comes soon: until then a process that uses nothing is unknown.
  timer = setTimeout(turn, Math.min(everyMs.least, firstReportMs)).unref();

  return {
    async now() {
      await underWay;
      await once();
    },
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      clearInterval(beats);
      const farewell = (async () => {
        await underWay;
        // Whoever was never heard of need not say so.
        if (isKnown || usage.untold(1).length > 0) await once(true);
      })();
      await Promise.race([
        farewell,
        new Promise((resolve) => {
          setTimeout(resolve, reportLastMs).unref();
        }),
      ]);
    },
  };
}

/** Long enough that a process which is only started for a moment is not busy with this. */
const firstReportMs = 3_000;
