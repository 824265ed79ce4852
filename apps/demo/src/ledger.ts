import type { RecordSet } from './records.ts';

/**
 * What the application knows of its own writes: per overwritten record the version last acknowledged and the one last
 * begun. One writer per record, so versions only grow.
 */
export interface Ledger {
  /** The next version of a record. From now on a reader may meet it. */
  begin(number: number): number;
  /** That version is committed: from now on no reader may meet an older one. */
  acknowledge(number: number, version: number): void;
  /** The last acknowledged version; 0 for a record as it was seeded. */
  acknowledged(number: number): number;
  /** Whether `value` is that of a version from `oldest` up to the one last begun. */
  admits(number: number, oldest: number, value: Buffer): boolean;
}

export function createLedger(records: Pick<RecordSet, 'value'>): Ledger {
  const entries = new Map<number, { begun: number; acknowledged: number }>();
  return {
    begin(number) {
      const entry = entries.get(number) ?? { begun: 0, acknowledged: 0 };
      entry.begun += 1;
      entries.set(number, entry);
      return entry.begun;
    },
    acknowledge(number, version) {
      const entry = entries.get(number);
      if (entry !== undefined) entry.acknowledged = version;
    },
    acknowledged: (number) => entries.get(number)?.acknowledged ?? 0,
    admits(number, oldest, value) {
      const newest = entries.get(number)?.begun ?? 0;
      for (let version = newest; version >= oldest; version -= 1) {
        if (records.value(number, version).equals(value)) return true;
      }
      return false;
    },
  };
}
