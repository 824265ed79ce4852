import type { CountedAccess } from '@rekey/control';
import type { Logger } from '@rekey/runtime';
import type { FastifyRequest } from 'fastify';
import { networkOf } from './client-address.ts';

interface Answered {
  readonly operation: string | null;
  readonly outcome: number;
  /** Recorded also where nothing was refused. */
  readonly isRecorded: boolean;
}

export interface Accesses {
  /** Counts a refusal or a read; never waits and never fails. */
  note(request: Pick<FastifyRequest, 'caller' | 'address'>, answered: Answered): void;
  /** Writes what is held, as far as it can be written now. */
  close(): Promise<void>;
}

interface Allowance {
  readonly atOnce: number;
  readonly perMinute: number;
}

/**
 * How many events may name somebody. Whom nobody knows can be thousands at no cost, so each kind has an allowance of its own,
 * and a flood of one hides nobody of another. What is beyond it is one event a minute, with a count.
 */
const allowances = {
  unknown: { atOnce: 200, perMinute: 5 },
  refused: { atOnce: 500, perMinute: 20 },
  read: { atOnce: 1_000, perMinute: 100 },
} as const satisfies Record<string, Allowance>;
type Kind = keyof typeof allowances;

const outcomeOf = { unknown: 401, refused: 403, read: null } as const satisfies Record<Kind, number | null>;

const minuteMs = 60_000;
const lookEveryMs = 5_000;
/** While Postgres is away no more than these are held by name; one has a kilobyte at most. */
const heldMax = 2_000;
const atOnce = 200;

/** Counts who is refused and who reads, by minutes, and hands each minute on when it is over. */
export function createAccesses(
  write: (counted: readonly CountedAccess[]) => Promise<void>,
  logger: Logger,
  nowMs: () => number = Date.now,
): Accesses {
  const held = new Map<string, { access: Omit<CountedAccess, 'count'>; count: number }>();
  const others = new Map<Kind, { count: number; since: Date }>();
  const left: Record<Kind, number> = {
    unknown: allowances.unknown.atOnce,
    refused: allowances.refused.atOnce,
    read: allowances.read.atOnce,
  };
  let refilledAt = nowMs();
  let saidAt = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => void flush(minuteOf(nowMs())), lookEveryMs).unref();

  function mayName(kind: Kind): boolean {
    const minutes = Math.floor((nowMs() - refilledAt) / minuteMs);
    if (minutes > 0) {
      for (const each of Object.keys(left) as Kind[]) {
        const { atOnce: full, perMinute } = allowances[each];
        left[each] = Math.min(full, left[each] + minutes * perMinute);
      }
      refilledAt += minutes * minuteMs;
    }
    if (left[kind] === 0 || held.size >= heldMax) return false;
    left[kind] -= 1;
    return true;
  }

  function flush(until: number): Promise<void> {
    writing = writing.then(() => writeThose(until));
    return writing;
  }

  async function writeThose(until: number): Promise<void> {
    const due = [...held].filter(([, { access }]) => access.since.getTime() < until);
    try {
      for (let from = 0; from < due.length; from += atOnce) {
        const part = due.slice(from, from + atOnce);
        await write(part.map(([, { access, count }]) => ({ ...access, count })));
        for (const [key] of part) held.delete(key);
      }
      for (const [kind, { count, since }] of [...others]) {
        if (since.getTime() >= until) continue;
        await write([{ actor: null, operation: null, outcome: outcomeOf[kind], count, since }]);
        // What came meanwhile is of a minute that is not over, and stays.
        const rest = (others.get(kind)?.count ?? 0) - count;
        if (rest > 0) others.set(kind, { count: rest, since: new Date(minuteOf(nowMs())) });
        else others.delete(kind);
      }
    } catch (error) {
      if (nowMs() - saidAt < minuteMs) return;
      saidAt = nowMs();
      logger.warn('refusals and reads are held: they cannot be recorded now', { count: held.size, error });
    }
  }

  return {
    note({ caller, address }, { operation, outcome, isRecorded }) {
      const isRefused = outcome === 401 || outcome === 403;
      if (operation === null || (!isRefused && (!isRecorded || caller === null))) return;
      const kind = caller === null ? 'unknown' : isRefused ? 'refused' : 'read';
      const { realm, id, name } = caller ?? { realm: null, id: 'unknown', name: networkOf(address) };
      const since = new Date(minuteOf(nowMs()));
      const key = JSON.stringify([
        since.getTime(),
        kind,
        realm,
        caller === null ? name : id,
        operation,
        outcome,
      ]);
      const entry = held.get(key);
      if (entry !== undefined) entry.count += 1;
      else if (mayName(kind))
        held.set(key, { access: { actor: { realm, id, name }, operation, outcome, since }, count: 1 });
      else others.set(kind, { since, ...others.get(kind), count: (others.get(kind)?.count ?? 0) + 1 });
    },
    async close() {
      clearInterval(timer);
      await flush(Number.POSITIVE_INFINITY);
    },
  };
}

function minuteOf(ms: number): number {
  return Math.floor(ms / minuteMs) * minuteMs;
}
