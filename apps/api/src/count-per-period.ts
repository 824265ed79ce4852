import { hash, randomBytes } from 'node:crypto';

const rows = 4;
const columns = 2 ** 16;
/** Of so many who call again and again it is kept which cells are theirs, beside the mebibyte. */
const keptMax = 1_000;

export interface Counted {
  readonly count: number;
  /** How long the period still lasts. */
  readonly leftMs: number;
}

/**
 * Counts by key within a period that begins with its first count, in one mebibyte however many keys there are: each
 * key has a cell in each of four rows, and its count is the smallest of the four (a count-min sketch).
 * No key is ever forgotten to make room for others, so nobody is let off by a flood of them; a key can be counted
 * too high by its neighbours, by as many counts as all others make per 65,536. Which keys are neighbours is secret.
 */
export function countPerPeriod(
  periodMs: number,
  nowMs: () => number = () => performance.now(),
): (key: string) => Counted {
  const cells = new Uint32Array(rows * columns);
  const secret = randomBytes(16).toString('base64');
  const kept = new Map<string, readonly number[]>();
  let endsAt = Number.NEGATIVE_INFINITY;

  const cellsOf = (key: string): readonly number[] => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const digest = hash('sha256', `${secret}${key}`, 'buffer');
    const own = Array.from({ length: rows }, (_, row) => row * columns + digest.readUInt16LE(row * 2));
    if (kept.size >= keptMax) kept.clear();
    kept.set(key, own);
    return own;
  };

  return (key) => {
    const now = nowMs();
    if (now >= endsAt) {
      cells.fill(0);
      endsAt = now + periodMs;
    }
    let count = Number.POSITIVE_INFINITY;
    for (const cell of cellsOf(key)) {
      const counted = (cells[cell] ?? 0) + 1;
      cells[cell] = counted;
      count = Math.min(count, counted);
    }
    return { count, leftMs: endsAt - now };
  };
}
