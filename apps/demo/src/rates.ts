const spanMs = 1_000;

/** Turns two running counts into their rates over the last second. */
export function createRates(): (
  nowMs: number,
  first: number,
  second: number,
) => { first: number; second: number } {
  let samples: Array<readonly [number, number, number]> = [];
  return (nowMs, first, second) => {
    // One sample from before the span stays, so that the span is covered.
    const start = samples.findLastIndex(([at]) => at <= nowMs - spanMs);
    samples = [...samples.slice(Math.max(0, start)), [nowMs, first, second]];
    const [at, firstThen, secondThen] = samples[0] ?? [nowMs, first, second];
    const seconds = (nowMs - at) / 1_000;
    return seconds < 0.1
      ? { first: 0, second: 0 }
      : { first: (first - firstThen) / seconds, second: (second - secondThen) / seconds };
  };
}
