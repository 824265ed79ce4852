const windowMs = 1_000;

/** Turns two running counts into their rates over the last second. */
export function createPace(): (
  nowMs: number,
  first: number,
  second: number,
) => { first: number; second: number } {
  let samples: Array<readonly [number, number, number]> = [];
  return (nowMs, first, second) => {
    // One sample from before the window stays, so that the window is covered.
    const start = samples.findLastIndex(([at]) => at <= nowMs - windowMs);
    samples = [...samples.slice(Math.max(0, start)), [nowMs, first, second]];
    const [at, firstThen, secondThen] = samples[0] ?? [nowMs, first, second];
    const seconds = (nowMs - at) / 1_000;
    return seconds < 0.1
      ? { first: 0, second: 0 }
      : { first: (first - firstThen) / seconds, second: (second - secondThen) / seconds };
  };
}
