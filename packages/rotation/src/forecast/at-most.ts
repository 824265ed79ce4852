/** How sure it is that no more records are like those that were found in a sample. */
export const sampleConfidence = 0.95;

/**
 * Of `all` records so many are like the `found` ones among `looked` at most, with {@link sampleConfidence}: the upper end of
 * the exact interval of Clopper and Pearson. The sample must have been drawn by chance.
 */
export function atMost(found: number, looked: number, all: number): number {
  if (looked >= all) return found;
  if (looked === 0 || found >= looked) return all;
  let [low, high] = [found / looked, 1];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (chanceOfAtMost(found, looked, middle) > 1 - sampleConfidence) low = middle;
    else high = middle;
  }
  return Math.min(all, Math.ceil(high * all));
}

/** That of so many at most so many are hit, each with this chance. */
function chanceOfAtMost(hits: number, of: number, chance: number): number {
  let logOfTerm = of * Math.log1p(-chance);
  let sum = Math.exp(logOfTerm);
  for (let hit = 1; hit <= hits; hit += 1) {
    logOfTerm += Math.log((of - hit + 1) / hit) + Math.log(chance) - Math.log1p(-chance);
    sum += Math.exp(logOfTerm);
  }
  return sum;
}
