import type { ReadPressure } from '../pressure.ts';
import { inMiB, quiet, type Reading, type Signal, Unreadable } from '../signal.ts';

/**
 * WAL that is not archived stays in the primary's disk until that is full, and what is not archived is in no backup. A
 * command that fails stops the sweep at once; behind it may be for 64 segments of 16 MiB, as after a burst, before the
 * sweep yields, and for 256 before it stops.
 */
const behindBytes = { slow: 1024 * 1_048_576, stop: 4096 * 1_048_576 } as const;

export function walArchiveSignal(pressure: ReadPressure, everyMs: number): Signal {
  return {
    name: 'wal_archive',
    everyMs,
    async read(): Promise<Reading> {
      const { archiver } = await pressure();
      if (archiver === null) return quiet;
      if (archiver.isFailing)
        return {
          level: 'stop',
          detail: `archiving of WAL fails, last of ${archiver.lastFailed ?? 'a file'}`,
        };
      const behind = archiver.behindBytes;
      if (behind === null)
        throw new Unreadable('no WAL was archived yet, so how far behind that is is not to be seen');
      if (behind < behindBytes.slow) return quiet;
      return {
        level: behind < behindBytes.stop ? 'slow' : 'stop',
        detail: `archiving of WAL is ${inMiB(behind)} behind; ${inMiB(behindBytes.slow)} are well`,
      };
    },
  };
}
