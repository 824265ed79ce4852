/**
 * Windows: hours of the week in which work may go on, as people say them: by the clock on the wall of a time zone. What that
 * means where the clock is put forward or back is decided here and nowhere else.
 */
import { type HoursState, type OpenHours, weekdays } from '@rekey/times';

/** `from` is in it and `to` is not. */
interface Opening {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A weekly window that falls into the hour that is skipped opens the week after. */
const foreseenDays = 15;

export function hoursState(windows: readonly OpenHours[], nowMs: number): HoursState {
  const ahead = openings(windows, nowMs, foreseenDays);
  const lastMs = nowMs + (foreseenDays - 1) * dayMs;
  const [next] = ahead;
  if (next === undefined) return { isOpen: false, untilMs: null };
  if (next.fromMs > nowMs) return { isOpen: false, untilMs: next.fromMs };
  return { isOpen: true, untilMs: next.toMs > lastMs ? null : next.toMs };
}

/**
 * When work that takes so long will have ended, if it goes on within them only. What the openings that are foreseen leave of it
 * counts as if they came again and again.
 */
export function endWithin(windows: readonly OpenHours[], nowMs: number, workMs: number): number {
  const endMs = nowMs + foreseenDays * dayMs;
  const ahead = openings(windows, nowMs, foreseenDays).filter(({ fromMs }) => fromMs < endMs);
  const lengths = ahead.map(({ fromMs, toMs }) => Math.min(toMs, endMs) - Math.max(fromMs, nowMs));
  const openMs = lengths.reduce((sum, ms) => sum + ms, 0);
  if (openMs === 0) return endMs + workMs;
  const rounds = Math.floor(workMs / openMs);
  let leftMs = workMs - rounds * openMs;
  for (const [n, { fromMs }] of ahead.entries()) {
    const length = lengths[n] ?? 0;
    if (leftMs <= length) return Math.max(fromMs, nowMs) + leftMs + rounds * foreseenDays * dayMs;
    leftMs -= length;
  }
  return nowMs + (rounds + 1) * foreseenDays * dayMs;
}

/** What is wrong with them, as a sentence without a subject; null: nothing. */
export function hoursProblem(windows: readonly OpenHours[], nowMs: number): string | null {
  const odd = windows.find(({ timeZone }) => !isTimeZone(timeZone));
  if (odd !== undefined) return 'names a time zone that is not known';
  const isOpenSoon = openings(windows, nowMs, 8).some(({ fromMs }) => fromMs < nowMs + 7 * dayMs);
  return isOpenSoon ? null : 'leaves no window within the next 7 days';
}

/** A name of the IANA database: an offset knows nothing of summer. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId !== '';
  } catch {
    return false;
  }
}

const dayMs = 24 * 60 * 60_000;

/** Those that end behind `nowMs`, in order, those that touch or overlap as one. */
function openings(windows: readonly OpenHours[], nowMs: number, days: number): readonly Opening[] {
  const found = windows
    .flatMap((window) => openingsOf(window, nowMs, days))
    .filter(({ fromMs, toMs }) => fromMs < toMs && toMs > nowMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const merged: Opening[] = [];
  for (const opening of found) {
    const last = merged.at(-1);
    if (last === undefined || opening.fromMs > last.toMs) merged.push(opening);
    else merged[merged.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, opening.toMs) };
  }
  return merged;
}

function openingsOf({ days, from, to, timeZone }: OpenHours, nowMs: number, count: number): Opening[] {
  const today = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone).toPlainDate();
  const endsNextDay = to <= from ? 1 : 0;
  // The one of yesterday may end today; where a zone skips a day, the one before that.
  return Array.from({ length: count + 3 }, (_, n) => today.add({ days: n - 2 }))
    .filter((date) => days.some((day) => weekdays.indexOf(day) + 1 === date.dayOfWeek))
    .map((date) => ({
      // A time that is skipped moves forward. Of two equal ones `from` is the first and `to` the second.
      fromMs: at(date, from, timeZone, 'compatible'),
      toMs: at(date.add({ days: endsNextDay }), to, timeZone, 'later'),
    }));
}

function at(
  date: Temporal.PlainDate,
  time: string,
  timeZone: string,
  disambiguation: 'compatible' | 'later',
): number {
  return date.toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(timeZone, { disambiguation })
    .epochMilliseconds;
}
