import { type ThrottleSignal, type Throttling, throttleSignals } from '@rekey/control';
import type { Metrics } from '@rekey/metrics';

/** What a worker tells of what holds its sweep back. */
export interface ThrottleMetrics {
  /** Null: nothing does any more. */
  changed(state: Throttling | null): void;
  unreadable(signal: ThrottleSignal, isSo: boolean): void;
  /** Of what Postgres would give the sweep, how much it takes. */
  share(read: () => number): void;
}

export function throttleMetrics(metrics: Metrics): ThrottleMetrics {
  const now = metrics.gauge({
    name: 'rekey_throttled',
    help: 'What the sweep is held back for: 1 while it is.',
    labelNames: ['reason'],
  });
  const unreadable = metrics.gauge({
    name: 'rekey_throttle_signal_unreadable',
    help: '1 for a signal that could not be read at the last look, so that nothing is held back for it.',
    labelNames: ['signal'],
  });
  let held: { readonly reason: ThrottleSignal; sinceMs: number } | null = null;
  const seconds = metrics.counter({
    name: 'rekey_throttled_seconds_total',
    help: 'For how long the sweep was held back, by what for.',
    labelNames: ['reason'],
    collect: () => count(),
  });
  const count = (): void => {
    if (held === null) return;
    const nowMs = performance.now();
    seconds.inc({ reason: held.reason }, (nowMs - held.sinceMs) / 1_000);
    held.sinceMs = nowMs;
  };
  for (const name of throttleSignals) {
    now.set({ reason: name }, 0);
    seconds.inc({ reason: name }, 0);
    unreadable.set({ signal: name }, 0);
  }
  return {
    changed(state) {
      count();
      if (held !== null) now.set({ reason: held.reason }, 0);
      held = state === null ? null : { reason: state.signal, sinceMs: performance.now() };
      if (held !== null) now.set({ reason: held.reason }, 1);
    },
    unreadable: (signal, isSo) => unreadable.set({ signal }, isSo ? 1 : 0),
    share: (read) =>
      metrics.reading(
        'rekey_throttle_share',
        'Of what Postgres would give the sweep, how much it takes: 1 is all, 0 that it stands still.',
        read,
      ),
  };
}
