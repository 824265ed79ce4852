/** A range as a look into the database found it. */
export interface RangeLook {
  readonly place: string;
  readonly owner: string | null;
  /** What moves while it is swept. */
  readonly rotated: number;
}

export interface Takeovers {
  /** How long each range that lost its worker had stood still when another one took it. */
  readonly silencesMs: readonly number[];
  look(at: number, ranges: readonly RangeLook[]): void;
}

/** Tells from looks at the ranges how long those of dead workers stood still. */
export function trackTakeovers(): Takeovers {
  const seen = new Map<string, { owner: string | null; rotated: number; movedAt: number }>();
  const silencesMs: number[] = [];
  return {
    silencesMs,
    look(at, ranges) {
      for (const { place, owner, rotated } of ranges) {
        const before = seen.get(place);
        // A range whose owner gave it back was not orphaned.
        if (before !== undefined && before.owner !== null && owner !== null && before.owner !== owner)
          silencesMs.push(at - before.movedAt);
        const moved = before === undefined || before.owner !== owner || before.rotated !== rotated;
        if (moved) seen.set(place, { owner, rotated, movedAt: at });
      }
    },
  };
}
