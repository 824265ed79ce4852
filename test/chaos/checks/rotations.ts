import type { View } from '../history.ts';
import { type Check, collector } from './violation.ts';

const phases = ['queued', 'activating', 'sweeping', 'verifying', 'done'];
/**
 * While Redis comes and goes, a call may be answered with a snapshot that was overtaken: one lives for 3 s when nobody
 * renews it. The rest is for clocks and timers.
 */
const staleMs = 3_200;
/** A caller hangs up sooner. */
const rememberedMs = 15_000;

/** The application writes anew what it deleted, a few records between a call and its switch. */
const insertedMax = 40;

/** An answer that contradicts an end that was told before: excused only while Redis, which may not take the end, is harmed. */
interface AfterEnd {
  readonly b: number;
  readonly e: number;
  /** How long after that end the caller asked. */
  readonly forMs: number;
  readonly what: string;
}

const harmsRedis = /^(redis-|api-redis-|everything-)/;

interface Seen {
  /** Answers of the recent past: how long ago an answer that goes back was overtaken. */
  readonly recent: Array<{ at: number; view: View }>;
  ended: { readonly at: number; readonly view: View } | undefined;
}

/** What callers were told of rotations: counts add up, progress does not go back, the end is the end. */
export function rotationCheck(): Check & { readonly staleAnswers: () => number } {
  const rotations = new Map<string, Seen>();
  const wrong = collector('status');
  const redisHarmed: Array<{ readonly b: number; readonly e: number }> = [];
  const afterEnd: AfterEnd[] = [];
  let stale = 0;

  const compare = (id: string, b: number, before: View, view: View, seen: Seen): void => {
    const back = goneBack(before, view);
    if (back === null) return;
    const beyond = seen.recent.find((earlier) => goneBack(earlier.view, view) !== null);
    // Looked up when this call began or later, while what was answered before was known by the time it was answered.
    const staleForMs = b - (beyond?.at ?? 0);
    if (before.completedAt !== null) return; // judged as what came after its end
    if (staleForMs <= staleMs) stale += 1;
    else wrong.add(`${id} at ${b}: ${back}, which had been overtaken for ${Math.round(staleForMs)} ms`);
  };

  return {
    staleAnswers: () => stale,
    see(line) {
      if (line.t === 'fault' && harmsRedis.test(line.kind)) redisHarmed.push({ b: line.b, e: line.e });
      if (line.t !== 'call' || line.view === undefined || line.id === null) return;
      const { view, id, b, e: at } = line;
      const seen = rotations.get(id) ?? { recent: [], ended: undefined };
      rotations.set(id, seen);
      const sum = view.rotated + view.superseded + view.failed + view.remaining;
      if (sum !== view.toRotate + view.inserted || view.inserted > insertedMax)
        wrong.add(`${id} at ${at}: ${sum} of ${view.toRotate} and ${view.inserted} inserted accounted for`);
      if (view.percent === 100 && view.completedAt === null)
        wrong.add(`${id} at ${at}: 100 % before its end`);
      if ((view.completedAt === null) !== (view.phase !== 'done'))
        wrong.add(`${id} at ${at}: ${view.phase}, completed at ${view.completedAt}`);
      if (view.status === 'completed' && view.failed + view.remaining > 0)
        wrong.add(`${id} at ${at}: completed with ${view.failed} failed and ${view.remaining} remaining`);
      if (view.status === 'failed')
        wrong.add(`${id} at ${at}: ended as failed, though no cause was permanent`);
      const before = seen.recent.at(-1)?.view;
      if (before !== undefined) compare(id, b, before, view, seen);
      if (seen.ended !== undefined && JSON.stringify(seen.ended.view) !== JSON.stringify(view)) {
        const what = `${id} at ${at}: changed after its end`;
        // Another end is never excused.
        if (view.completedAt !== null) wrong.add(what);
        // What was asked before anybody had been told of the end may be answered as of then.
        else if (b > seen.ended.at) afterEnd.push({ b, e: at, forMs: b - seen.ended.at, what });
      }
      if (view.completedAt !== null) seen.ended ??= { at, view };
      seen.recent.push({ at, view });
      while ((seen.recent[0]?.at ?? at) < at - rememberedMs) seen.recent.shift();
    },
    verdict() {
      for (const { b, e, forMs, what } of afterEnd) {
        const harmed = redisHarmed.some((fault) => fault.b <= e && b - staleMs <= fault.e);
        if (harmed && forMs <= staleMs) stale += 1;
        else wrong.add(`${what}, ${Math.round(forMs)} ms before`);
      }
      return wrong.all();
    },
  };
}

function goneBack(before: View, view: View): string | null {
  if (before.completedAt !== null && view.completedAt === null) return 'unfinished after its end';
  if (view.percent < before.percent) return `${before.percent} % then ${view.percent} %`;
  if (view.rotated < before.rotated) return `${before.rotated} rotated then ${view.rotated}`;
  if (phases.indexOf(view.phase) < phases.indexOf(before.phase)) return `${before.phase} then ${view.phase}`;
  return null;
}
