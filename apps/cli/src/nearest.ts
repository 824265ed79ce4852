/** How many letters differ, are missing, too many, or stand in each other's place. */
function distance(one: string, other: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      const turned = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next[j] = Math.min(
        (next[j - 1] ?? 0) + 1,
        (row[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + (same ? 0 : 1),
        turned ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, row] = [row, next];
  }
  return row[other.length] ?? 0;
}

/** What was probably meant: as near as a slip or two, or begun and not ended. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [begun, ...others] = word.length >= 3 ? known.filter((one) => one.startsWith(word)) : [];
  if (begun !== undefined && others.length === 0) return begun;
  const slips = word.length < 5 ? 1 : 2;
  return known
    .map((one) => ({ one, far: distance(word, one) }))
    .filter(({ far }) => far <= slips)
    .sort((a, b) => a.far - b.far)[0]?.one;
}
