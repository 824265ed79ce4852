/** A DEK that was used since it was last told, by the clock of `performance.now()`. */
interface DekUse {
  readonly dekId: string;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What a vault does with a value, and a worker with a record. */
type Timed = 'open' | 'seal' | 'reencrypt';

/** Of what was timed since it was last told, in milliseconds; empty: nothing was. */
type Latencies = Partial<
  Record<Timed, { readonly count: number; readonly p50: number; readonly p99: number }>
>;

/**
 * Which DEKs this process has used, for the register of processes. Noted at every use, so it costs next to nothing; told in
 * parts, each again until it was received.
 */
export interface Usage {
  note(dekId: string): void;
  /** Opening or sealing took so long. */
  time(what: Timed, ms: number): void;
  /** Those that were not told yet, the one first that has waited for longest. */
  untold(max: number): DekUse[];
  /** They were received. What was used since then is still to be told. */
  told(uses: readonly DekUse[]): void;
  /** Whether something was forgotten untold: there were more at once than can be kept count of. */
  isForgetful(): boolean;
  /** What was timed since the call before. */
  latencies(): Latencies;
  /** Called at the first use of all. */
  onFirstUse(listener: () => void): void;
}

interface Kept {
  readonly firstAt: number;
  lastAt: number;
}

/** More than a keyring holds: what it drops is told before it is forgotten here. */
const deksMax = 20_000;
const samplesMax = 512;

export function createUsage(): Usage {
  const kept = new Map<string, Kept>();
  const untold = new Set<string>();
  const samples = { open: createSamples(), seal: createSamples(), reencrypt: createSamples() };
  let wasForgotten = false;
  let listener: (() => void) | undefined;

  /** The oldest that was told; if none was, something stays untold for good. */
  const makeRoom = (): void => {
    for (const dekId of kept.keys()) {
      if (untold.has(dekId)) continue;
      kept.delete(dekId);
      return;
    }
    const [oldest = ''] = kept.keys();
    kept.delete(oldest);
    untold.delete(oldest);
    wasForgotten = true;
  };

  return {
    note(dekId) {
      const now = performance.now();
      const known = kept.get(dekId);
      if (known === undefined) {
        if (kept.size >= deksMax) makeRoom();
        kept.set(dekId, { firstAt: now, lastAt: now });
      } else known.lastAt = now;
      untold.add(dekId);
      if (listener === undefined) return;
      const first = listener;
      listener = undefined;
      first();
    },
    time: (what, ms) => samples[what].add(ms),
    untold(max) {
      const uses: DekUse[] = [];
      for (const dekId of untold) {
        if (uses.length === max) break;
        const known = kept.get(dekId);
        if (known !== undefined) uses.push({ dekId, firstAt: known.firstAt, lastAt: known.lastAt });
      }
      return uses;
    },
    told(uses) {
      for (const { dekId, lastAt } of uses) if (kept.get(dekId)?.lastAt === lastAt) untold.delete(dekId);
    },
    isForgetful: () => wasForgotten,
    latencies() {
      const latencies: Latencies = {};
      for (const what of ['open', 'seal', 'reencrypt'] as const) {
        const taken = samples[what].take();
        if (taken !== null) latencies[what] = taken;
      }
      return latencies;
    },
    onFirstUse(given) {
      listener = given;
    },
  };
}

/** Evenly of all there were, however many: each has the same chance to be among those that are kept. */
function createSamples() {
  let kept: number[] = [];
  let count = 0;
  return {
    add(ms: number): void {
      count += 1;
      if (kept.length < samplesMax) kept.push(ms);
      else {
        const place = Math.floor(Math.random() * count);
        if (place < samplesMax) kept[place] = ms;
      }
    },
    take(): { count: number; p50: number; p99: number } | null {
      if (count === 0) return null;
      const sorted = kept.sort((a, b) => a - b);
      const at = (share: number): number =>
        Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 1_000) / 1_000;
      const taken = { count, p50: at(0.5), p99: at(0.99) };
      kept = [];
      count = 0;
      return taken;
    },
  };
}
