import { hash, randomBytes } from 'node:crypto';

const rows = 4;
const columns = 2 ** 16;

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
  let endsAt = Number.NEGATIVE_INFINITY;

  return (key) => {
    const now = nowMs();
    if (now >= endsAt) {
      cells.fill(0);
      endsAt = now + periodMs;
    }
    const digest = hash('sha256', `${secret}${key}`, 'buffer');
    let count = Number.POSITIVE_INFINITY;
    for (let row = 0; row < rows; row += 1) {
      const cell = row * columns + digest.readUInt16LE(row * 2);
      const counted = (cells[cell] ?? 0) + 1;
      cells[cell] = counted;
      count = Math.min(count, counted);
    }
    return { count, leftMs: endsAt - now };
  };
}
