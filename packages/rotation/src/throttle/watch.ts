import { quiet, type Reading, type Signal } from './signal.ts';

/** What the signals said last. */
export interface Watch {
  /** Begins to read what is due, or one of them at once; waits for nothing. */
  look(name?: Signal['name']): void;
  worst(): Reading & { readonly signal: Signal['name'] | null };
  /** What was read is not true any more, nor what is being read. */
  forget(): void;
}

export function createWatch(
  signals: readonly Signal[],
  onUnreadable: ((signal: Signal['name'], reason: string | null) => void) | undefined,
  onRead: () => void,
): Watch {
  const states = signals.map((signal) => ({
    signal,
    reading: quiet,
    underWay: false,
    readAtMs: Number.NEGATIVE_INFINITY,
    /** Why it cannot be read; '' until it was tried. */
    reason: '' as string | null,
  }));

  let forgotten = 0;
  const read = async (state: (typeof states)[number]): Promise<void> => {
    state.underWay = true;
    const begun = forgotten;
    let reading: Reading = quiet;
    let reason: string | null = null;
    try {
      reading = await state.signal.read();
    } catch (error) {
      // Neither quiet nor a reason to stand still: what it said before may not hold any more.
      reason = error instanceof Error ? error.message : 'it failed';
    }
    state.underWay = false;
    if (begun !== forgotten) return;
    state.reading = reading;
    state.readAtMs = performance.now();
    if (reason !== state.reason) onUnreadable?.(state.signal.name, reason);
    state.reason = reason;
    onRead();
  };

  return {
    look(name) {
      const nowMs = performance.now();
      for (const state of states) {
        if (state.underWay) continue;
        const isDue = nowMs - state.readAtMs >= state.signal.everyMs;
        if (name === undefined ? isDue : state.signal.name === name) void read(state);
      }
    },
    worst() {
      const found =
        states.find(({ reading }) => reading.level === 'stop') ??
        states.find(({ reading }) => reading.level === 'slow');
      return found === undefined
        ? { ...quiet, signal: null }
        : { ...found.reading, signal: found.signal.name };
    },
    forget() {
      forgotten += 1;
      for (const state of states) state.reading = quiet;
    },
  };
}
