/** Something about an installation that is not as it should be, in words for whoever looks after it. */
export interface Finding {
  /** Closed by nothing, but kept: scripts go by it. */
  readonly code: string;
  /** `error`: rotations or what they promise suffer. `warning`: they may. */
  readonly level: 'error' | 'warning';
  readonly what: string;
  readonly todo: string;
}

/** What one look came to. */
export interface Examined {
  readonly facts?: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly unseen?: readonly string[];
}

export const error = (code: string, what: string, todo: string): Finding => ({
  code,
  level: 'error',
  what,
  todo,
});
export const warning = (code: string, what: string, todo: string): Finding => ({
  code,
  level: 'warning',
  what,
  todo,
});

const shownMax = 3;

/** As many as fit into a line. */
export function some(names: readonly string[]): string {
  const more = names.length - shownMax;
  return names.slice(0, shownMax).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
