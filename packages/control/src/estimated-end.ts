import { endWithin } from '@rekey/calendar';
import { totalOf } from '@rekey/data';
import type { RotationRow } from './rotation-view.ts';

/** When a rotation is expected to have ended. */
export interface EstimatedEnd {
  /** Null while it is paused: nobody knows for how long. */
  readonly at: Date | null;
  /** Null where nothing was measured yet, or it does not run. */
  readonly range: EstimatedRange | null;
}

/** Between which moments. */
export interface EstimatedRange {
  readonly earliest: Date;
  /** Null while it stands still: nobody knows until when. */
  readonly latest: Date | null;
}

/** Assumed of one that has not moved, unless less was expected at the call. */
const assumed = { itemsPerSecond: 2_000, fixedSeconds: 1 } as const;

/**
 * No sooner than so an end is told of one that runs: an answer is on its way for a moment, and a snapshot is served for some
 * seconds. One that is late is expected at any moment.
 */
const soonestMs = 500;

/** What was found some time ago, as it is told now: of a rotation that runs no moment lies in the past. */
export function toldNow<View extends ToldEnd>(view: View, nowMs: number): View {
  const { status, estimatedCompletion, estimatedRange } = view;
  if (status !== 'in_progress' || estimatedCompletion === null) return view;
  const soonest = nowMs + soonestMs;
  const isAhead = (moment: Date | null): boolean => moment === null || moment.getTime() >= soonest;
  if (isAhead(estimatedCompletion) && isAhead(estimatedRange?.earliest ?? null)) return view;
  const ahead = (moment: Date): Date => (isAhead(moment) ? moment : new Date(soonest));
  return {
    ...view,
    estimatedCompletion: ahead(estimatedCompletion),
    estimatedRange: estimatedRange && {
      earliest: ahead(estimatedRange.earliest),
      latest: estimatedRange.latest && ahead(estimatedRange.latest),
    },
  };
}

/** What of a view says when it will have ended. */
interface ToldEnd {
  readonly status: RotationRow['status'];
  readonly estimatedCompletion: Date | null;
  readonly estimatedRange: EstimatedRange | null;
}

/**
 * Of a rotation that runs it never lies in the past, however old what workers last wrote is. While it stands still the end moves
 * with the clock, as if it went on now; outside of its windows nothing goes on.
 */
export function estimatedEnd(row: RotationRow, nowMs: number): EstimatedEnd {
  const { progress, windows } = row;
  if (row.status === 'paused') return { at: null, range: null };
  const told = (
    progress === null ? row.estimated_completion : new Date(progress.estimatedCompletion)
  ).getTime();
  if (row.status !== 'in_progress') return { at: new Date(told), range: null };
  const isClosed = row.waiting_for === 'window';
  const standsStill =
    row.unattended || (row.waiting_for !== null && !isClosed) || row.throttled_by?.level === 'stop';
  const left = progress?.left ?? null;
  const goesOn = !standsStill && !isClosed;
  if (left === null) {
    const least = progress !== null && goesOn ? 0 : leastSeconds(row) * 1_000;
    return { at: within(windows, nowMs, Math.max(told - nowMs, least, soonestMs)), range: null };
  }
  // What was told is as of then; of one that stands still it is as of now.
  const expectedMs = goesOn ? told - nowMs : left.seconds * 1_000;
  const moment = (seconds: number): Date =>
    within(windows, nowMs, Math.max(soonestMs, expectedMs + (seconds - left.seconds) * 1_000));
  return {
    at: moment(left.seconds),
    range: { earliest: moment(left.low), latest: standsStill ? null : moment(left.high) },
  };
}

/** What it takes from where it stands, whenever it goes on. */
function leastSeconds({ progress, items_to_rotate, started_at, estimated_completion }: RotationRow): number {
  const items = totalOf(progress?.remaining ?? items_to_rotate);
  const atTheCall = (estimated_completion.getTime() - started_at.getTime()) / 1_000;
  return Math.min(atTheCall, assumed.fixedSeconds + items / assumed.itemsPerSecond);
}

function within(windows: RotationRow['windows'], nowMs: number, workMs: number): Date {
  return new Date(windows === null ? nowMs + workMs : endWithin(windows, nowMs, workMs));
}
