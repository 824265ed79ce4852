import type { Line } from '../history.ts';

export interface Violation {
  readonly check: string;
  readonly what: string;
}

/** A part of the judgement: takes the history line by line in the order of ends, and says at the end what is wrong. */
export interface Check {
  see(line: Line): void;
  verdict(): Violation[];
}

/** Of one kind, the first few in full and the rest as a number. */
const shownMax = 20;

export function collector(check: string): { add(what: string): void; all(): Violation[] } {
  const found: Violation[] = [];
  let more = 0;
  return {
    add(what) {
      if (found.length < shownMax) found.push({ check, what });
      else more += 1;
    },
    all: () => (more === 0 ? found : [...found, { check, what: `… and ${more} more` }]),
  };
}
