interface Bounds {
  /** So many at once. */
  readonly places: number;
  /** So many have to end before any other begins. */
  readonly canaries: number;
  readonly perHourMax: number | null;
}

const hourSeconds = 3_600;

/** When each ends that takes so long, in their order, as a campaign gives turns (`rekey.campaign_room`). */
export function endsInOrder(takes: readonly number[], { places, canaries, perHourMax }: Bounds): number[] {
  const begins: number[] = [];
  const ends: number[] = [];
  const free = new EarliestFirst();
  let canariesEnd = 0;
  for (const [index, seconds] of takes.entries()) {
    const place = index < places ? 0 : free.take();
    const hour =
      perHourMax === null || index < perHourMax ? 0 : (begins[index - perHourMax] ?? 0) + hourSeconds;
    const begun = Math.max(place, hour, index >= canaries ? canariesEnd : 0, begins.at(-1) ?? 0);
    const end = begun + seconds;
    begins.push(begun);
    ends.push(end);
    free.put(end);
    if (index < canaries) canariesEnd = Math.max(canariesEnd, end);
  }
  return ends;
}

/** A heap: a campaign may be for a hundred thousand tenants, a thousand at once. */
class EarliestFirst {
  readonly #ends: number[] = [];

  put(end: number): void {
    const ends = this.#ends;
    let at = ends.push(end) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = ends[parent] ?? 0;
      if (above <= end) break;
      ends[at] = above;
      at = parent;
    }
    ends[at] = end;
  }

  take(): number {
    const ends = this.#ends;
    const first = ends[0] ?? 0;
    const last = ends.pop() ?? 0;
    if (ends.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= ends.length) break;
      const right = left + 1;
      const child = right < ends.length && (ends[right] ?? 0) < (ends[left] ?? 0) ? right : left;
      if ((ends[child] ?? 0) >= last) break;
      ends[at] = ends[child] ?? 0;
      at = child;
    }
    ends[at] = last;
    return first;
  }
}
