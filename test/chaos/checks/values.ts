import type { Outcome } from '../history.ts';
import { type Check, collector } from './violation.ts';

interface Write {
  readonly b: number;
  readonly gone: boolean;
  outcome: Outcome | undefined;
  /** When a read first returned it. */
  seenAt: number | undefined;
}

/** What is known of a record. Its writes have one author, so version n is never applied after n + 1. */
interface Known {
  readonly tenant: string;
  readonly place: string;
  readonly writes: Write[];
  /** From that time on the record holds this version or a later one; both ascend. */
  readonly floor: Array<{ at: number; n: number }>;
}

export interface ValueCounts {
  reads: number;
  failedReads: number;
  writes: number;
  lostAcknowledgements: number;
  failedWrites: number;
}

/**
 * Every read returned what the record held at some moment between its call and its return: the last acknowledged
 * value, or one that was being written. A write whose acknowledgement was lost may have happened or not; one that
 * failed did not. No acknowledged write is lost: later reads, the last ones of all records included, must not fall
 * behind it.
 */
export function valueCheck(): Check & { readonly counts: ValueCounts } {
  const records = new Map<number, Known>();
  const wrong = collector('values');
  const counts = { reads: 0, failedReads: 0, writes: 0, lostAcknowledgements: 0, failedWrites: 0 };

  const known = (r: number): Known => {
    const record = records.get(r);
    if (record === undefined) throw new Error(`the history knows no record ${r}`);
    return record;
  };
  const raise = (record: Known, at: number, n: number): void => {
    if ((record.floor.at(-1)?.n ?? 0) < n) record.floor.push({ at, n });
  };

  return {
    counts,
    see(line) {
      if (line.t === 'record') {
        const first: Write = { b: 0, gone: false, outcome: 'ok', seenAt: undefined };
        records.set(line.r, { tenant: line.tenant, place: line.place, writes: [first], floor: [] });
      } else if (line.t === 'write') {
        known(line.r).writes[line.n] = {
          b: line.b,
          gone: line.gone === true,
          outcome: undefined,
          seenAt: undefined,
        };
      } else if (line.t === 'wrote') {
        const record = known(line.r);
        const write = record.writes[line.n];
        if (write === undefined) return;
        write.outcome = line.o;
        if (line.o === 'ok') {
          counts.writes += 1;
          raise(record, line.e, line.n);
        } else if (line.o === 'info') counts.lostAcknowledgements += 1;
        else {
          counts.failedWrites += 1;
          if (write.seenAt !== undefined)
            wrong.add(`${record.place}: version ${line.n} was read, though its write failed (${line.why})`);
        }
      } else if (line.t === 'read') {
        if (line.o !== 'ok') {
          counts.failedReads += 1;
          return;
        }
        counts.reads += 1;
        const record = known(line.r);
        const reason = wrongRead(record, line.n, line.b, line.e);
        if (reason === null && line.n !== null) raise(record, line.e, line.n);
        if (reason !== null)
          wrong.add(
            `${record.place} of ${record.tenant}, read at ${line.b}–${line.e}: ${reason}${line.why === undefined ? '' : ` (${line.why})`}`,
          );
      }
    },
    verdict: () => wrong.all(),
  };
}

/** Why that answer is none that the record could give; null when it is one. */
function wrongRead(record: Known, n: number | null, b: number, e: number): string | null {
  const floor = floorAt(record, b);
  if (n === -1) return `its bytes do not open, version ${floor} or later was there`;
  if (n === null) {
    const gone = record.writes.some(
      (write, version) => version >= floor && write.gone && write.b <= e && write.outcome !== 'fail',
    );
    return gone ? null : `there is no such record, version ${floor} or later was there`;
  }
  const write = record.writes[n];
  if (write === undefined || write.gone) return `version ${n} was never written`;
  if (write.b > e) return `version ${n} was written later`;
  if (write.outcome === 'fail') return `version ${n} was read, though its write failed`;
  write.seenAt ??= e;
  return n < floor ? `version ${n}, though version ${floor} was acknowledged or read before` : null;
}

function floorAt({ floor }: Known, at: number): number {
  let low = 0;
  let high = floor.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((floor[middle]?.at ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1;
    else high = middle;
  }
  return floor[low - 1]?.n ?? 0;
}
