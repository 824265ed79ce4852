import type { Pressure, Standby } from '@rekey/control';
import type { ReadPressure } from '../pressure.ts';
import { inMiB, quiet, type Reading, type Signal, Unreadable, worst } from '../signal.ts';

/** How much further behind than it was at its best a standby may be, and how much more WAL a slot may keep. */
export interface LagLimits {
  readonly slowMs: number;
  readonly stopMs: number;
}
const slotBytes = { slow: 512 * 1_048_576, stop: 2048 * 1_048_576 } as const;

/** One segment. */
const gapBytes = 16 * 1_048_576;

/** Where the WAL ended when: what a standby has reached is so old. About ten minutes, then thinned out. */
const pastMax = 2_048;

interface Followed {
  /** The least WAL that it had yet to receive. */
  gapBest: number;
  /** The least that it was behind with what was written while we watched; null: it has taken none of that yet. */
  receivedBestMs: number | null;
  replayedBestMs: number | null;
}

/**
 * Standbys and slots, by how much further behind they get than they were. One that replays later on purpose
 * (`recovery_min_apply_delay`) has never replayed anything of what was written lately, or always as late as that: only what
 * it receives is watched. Slots that nobody reads grow whatever we do: they are told and stop nothing.
 *
 * @param onInactive told once of each slot that nobody reads
 */
export function lagSignal(
  pressure: ReadPressure,
  everyMs: number,
  {
    limits,
    ignored,
    onInactive,
  }: {
    readonly limits: LagLimits;
    readonly ignored: ReadonlySet<string>;
    readonly onInactive: (slot: string) => void;
  },
): Signal {
  let past: Array<{ readonly wal: number; readonly atMs: number }> = [];
  const standbys = new Map<string, Followed>();
  const slotsAtBest = new Map<string, number>();
  const told = new Set<string>();

  /** How old the newest WAL is that lies behind this position; null: older than we watch. */
  const behindMs = (position: number, nowMs: number): number | null => {
    const next = past.find(({ wal }) => wal > position);
    if (next === undefined) return 0;
    return next === past[0] ? null : nowMs - next.atMs;
  };

  const of = (standby: Standby, nowMs: number): Reading => {
    const { name, pid, received, replayed } = standby;
    const key = `${name} ${pid}`;
    const followed = standbys.get(key) ?? {
      gapBest: Number.POSITIVE_INFINITY,
      receivedBestMs: null,
      replayedBestMs: null,
    };
    standbys.set(key, followed);
    const readings: Reading[] = [];
    const judge = (what: string, growthMs: number): void => {
      if (growthMs < limits.slowMs) return;
      readings.push({
        level: growthMs < limits.stopMs ? 'slow' : 'stop',
        detail: `${name === '' ? `a standby without a name (process ${pid})` : name} is ${(growthMs / 1_000).toFixed(1)} s further behind with what it ${what} than it was; ${limits.slowMs / 1_000} s are well`,
      });
    };
    const watchedMs = nowMs - (past[0]?.atMs ?? nowMs);
    if (received !== null) {
      const late = behindMs(received, nowMs);
      if (late !== null) followed.receivedBestMs = Math.min(late, followed.receivedBestMs ?? late);
      const gap = (past.at(-1)?.wal ?? received) - received;
      followed.gapBest = Math.min(followed.gapBest, gap);
      // What it has yet to receive is older than we watch: that is trouble where it grows, and none where it catches up.
      const lateAtLeast = late ?? (gap > followed.gapBest + gapBytes ? watchedMs : 0);
      judge('receives', lateAtLeast - (followed.receivedBestMs ?? 0));
    }
    if (replayed !== null) {
      const late = behindMs(replayed, nowMs);
      const isWitnessed = late !== null && past.length > 1 && replayed >= (past[1]?.wal ?? replayed);
      if (isWitnessed) followed.replayedBestMs = Math.min(late, followed.replayedBestMs ?? late);
      if (followed.replayedBestMs !== null) judge('replays', (late ?? watchedMs) - followed.replayedBestMs);
    }
    return worst(readings);
  };

  const slots = (all: Pressure['slots'], busy: ReadonlySet<string | null>): Reading[] =>
    all.flatMap(({ name, isActive, keepsBytes, isLost }) => {
      if (ignored.has(name) || busy.has(name)) return [];
      if (!isActive || isLost) {
        slotsAtBest.delete(name);
        if (!told.has(name)) onInactive(name);
        told.add(name);
        return [];
      }
      if (keepsBytes === null) return [];
      const best = Math.min(keepsBytes, slotsAtBest.get(name) ?? keepsBytes);
      slotsAtBest.set(name, best);
      const growth = keepsBytes - best;
      if (growth < slotBytes.slow) return [];
      const detail = `the slot ${name} keeps ${inMiB(growth)} more of WAL than it did; ${inMiB(slotBytes.slow)} are well`;
      return [{ level: growth < slotBytes.stop ? 'slow' : 'stop', detail }];
    });

  return {
    name: 'lag',
    everyMs,
    async read() {
      const { wal, standbys: seen, slots: all } = await pressure();
      const nowMs = performance.now();
      if (wal !== null && wal < (past.at(-1)?.wal ?? 0)) {
        // Another server answers, or this one was restored: positions of before are none of its.
        past = [];
        standbys.clear();
        slotsAtBest.clear();
      }
      if (wal !== null && wal > (past.at(-1)?.wal ?? -1)) past.push({ wal, atMs: nowMs });
      if (past.length > pastMax) past = past.filter((_, i) => i % 2 === 0 || i > pastMax / 2);
      // Slots are to be seen by everybody; who is behind them is not.
      const bySlot = slots(
        all,
        new Set(seen?.filter(({ name }) => ignored.has(name)).map(({ slot }) => slot)),
      );
      if (seen === null) {
        const found = worst(bySlot);
        if (found.level !== 'none') return found;
        throw new Unreadable(
          'the owner of the schema is no member of pg_monitor, so standbys are not to be seen',
        );
      }
      for (const key of standbys.keys())
        if (!seen.some(({ name, pid }) => key === `${name} ${pid}`)) standbys.delete(key);
      const watched = seen.filter(
        ({ name, slot }) => !ignored.has(name) && !(slot !== null && ignored.has(slot)),
      );
      const byStandby = watched.map((standby) => of(standby, nowMs));
      return past.length === 0 ? quiet : worst([...byStandby, ...bySlot]);
    },
  };
}
