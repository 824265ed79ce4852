import type { Violation } from './violation.ts';

/** What one process held at one moment. */
export interface Gauge {
  readonly name: string;
  readonly pid: number;
  readonly at: number;
  readonly rssMb: number;
  readonly fds: number;
  readonly connections: number;
}

/** A process of a slot, from its start to its end. */
export interface Life {
  readonly name: string;
  readonly pid: number;
  readonly seconds: number;
  /** Least memory held in the second and in the last third of its life, once it had warmed up; null: it was too short. */
  readonly floorsMb: readonly [number, number] | null;
  readonly rssMaxMb: number;
  readonly fdsMax: number;
  readonly connectionsMax: number;
}

/** Code is loaded, pools fill and the heap finds its size. */
const warmUpMs = 30_000;
/** Shorter lives tell nothing of growth. */
const judgedFromMs = 90_000;
/** Between the second and the last third: what garbage collection leaves may differ so much. */
const growthMaxMb = 64;
const rssMaxMb = 450;
/** A process that has just started holds about 30; its pools fill and empty by a few dozen. */
const fdsMax = 120;
/** The pools of a worker of two ranges hold 18 at most, BullMQ and our own use of Redis 7. */
const connectionsMax = 32;

/** Memory that is never given back lifts the floor; what is garbage does not. */
export function lives(gauges: readonly Gauge[]): Life[] {
  const byProcess = new Map<string, Gauge[]>();
  for (const gauge of gauges) {
    const key = `${gauge.name}/${gauge.pid}`;
    byProcess.set(key, [...(byProcess.get(key) ?? []), gauge]);
  }
  return [...byProcess.values()].flatMap((mine) => {
    const [first] = mine;
    const last = mine.at(-1);
    if (first === undefined || last === undefined) return [];
    const warm = mine.filter(({ at }) => at >= first.at + warmUpMs);
    const third = Math.floor(warm.length / 3);
    const floor = (part: readonly Gauge[]): number => Math.min(...part.map(({ rssMb }) => rssMb));
    const most = (of: (gauge: Gauge) => number): number => Math.max(...mine.map(of));
    const judged = last.at - first.at >= judgedFromMs && third > 0;
    return {
      name: first.name,
      pid: first.pid,
      seconds: Math.round((last.at - first.at) / 1_000),
      floorsMb: judged ? ([floor(warm.slice(third, -third)), floor(warm.slice(-third))] as const) : null,
      rssMaxMb: most(({ rssMb }) => rssMb),
      fdsMax: most(({ fds }) => fds),
      connectionsMax: most(({ connections }) => connections),
    };
  });
}

/** No process grows: memory, descriptors and connections, over its whole life and not only at rest. */
export function checkGrowth(gauges: readonly Gauge[]): Violation[] {
  return lives(gauges).flatMap((life) => {
    const found: string[] = [];
    const [before, after] = life.floorsMb ?? [0, 0];
    if (after - before > growthMaxMb) found.push(`grew from ${before} to ${after} MB in ${life.seconds} s`);
    if (life.rssMaxMb > rssMaxMb) found.push(`held ${life.rssMaxMb} MB`);
    if (life.fdsMax > fdsMax) found.push(`held ${life.fdsMax} descriptors`);
    if (life.connectionsMax > connectionsMax) found.push(`held ${life.connectionsMax} connections`);
    return found.map((what) => ({ check: 'leaks', what: `${life.name} (pid ${life.pid}) ${what}` }));
  });
}
