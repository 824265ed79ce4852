import type { RedisTrouble, RedisTroubleCode } from './redis-trouble.ts';

export interface RedisWatch {
  /** What the last look found, not older than a moment; null: nothing. */
  check(): Promise<RedisTrouble | null>;
  close(): void;
}

export interface RedisWatchOptions {
  /** What uses Redis here. */
  readonly parts: ReadonlyArray<{ check(): Promise<RedisTrouble | null> }>;
  /** Something has stood in the way for so long: said once it is serious, then each minute. */
  readonly onTrouble: (trouble: RedisTrouble, ms: number) => void;
  readonly onOver: (trouble: RedisTrouble, ms: number) => void;
  readonly afterMs?: number;
  readonly againMs?: number;
}

/** What a log of warnings takes; the process has a whole one. */
interface Warnings {
  warn(message: string, fields: { code: string; ms: number; reason?: string }): void;
}

/**
 * Watches what uses Redis, and says in the log what has kept it from working for ten seconds, then each minute, and that
 * it is over. `consequence`: what that means for whoever depends on this process.
 */
export function warnOfRedis(
  log: Warnings,
  consequence: string,
  parts: RedisWatchOptions['parts'],
): RedisWatch {
  return watchRedis({
    parts,
    onTrouble: ({ code, message }, ms) =>
      log.warn(`Redis does not do its part: ${consequence}`, { code, ms, reason: message }),
    onOver: ({ code }, ms) => log.warn('Redis does its part again', { code, ms }),
  });
}

const everyMs = 1_000;
/** For so long a look is given to whoever asks. */
const fresh = { wellMs: 500, troubledMs: 100 } as const;

/** Looks once a second whether Redis does what we need, and tells of trouble that lasts, and of its end. */
export function watchRedis(options: RedisWatchOptions): RedisWatch {
  const { parts, onTrouble, onOver, afterMs = 10_000, againMs = 60_000 } = options;
  let since: number | undefined;
  const said = new Map<RedisTroubleCode, number>();
  let lastTrouble: RedisTrouble | undefined;
  let looked: { readonly at: number; readonly result: Promise<RedisTrouble | null> } | undefined;
  let freshMs: number = fresh.wellMs;

  const look = async (): Promise<RedisTrouble | null> => {
    const found = await Promise.all(parts.map((part) => part.check()));
    return found.find((trouble) => trouble !== null) ?? null;
  };
  const note = (trouble: RedisTrouble | null): void => {
    const now = performance.now();
    // The first look of a process that has just started finds connections that are not there yet: that must not be told for long.
    freshMs = trouble === null ? fresh.wellMs : fresh.troubledMs;
    if (trouble === null) {
      if (since !== undefined && lastTrouble !== undefined && said.size > 0) onOver(lastTrouble, now - since);
      since = lastTrouble = undefined;
      said.clear();
      return;
    }
    since ??= now;
    lastTrouble = trouble;
    if (now - since < afterMs || now - (said.get(trouble.code) ?? -againMs) < againMs) return;
    said.set(trouble.code, now);
    onTrouble(trouble, now - since);
  };
  const check = (): Promise<RedisTrouble | null> => {
    if (looked === undefined || performance.now() - looked.at > freshMs) {
      const result = look();
      looked = { at: performance.now(), result };
      void result.then(note);
    }
    return looked.result;
  };
  const timer = setInterval(() => void check(), everyMs);
  timer.unref();
  void check();
  return { check, close: () => clearInterval(timer) };
}
