/**
 * Lets writers that honour nothing but the fence wait while there is none: no database could keep a write under a retired
 * DEK out then, so nothing is learned from one.
 */
export interface Turnstile {
  /** A writer's transaction; null while the turnstile is closed. */
  enter(): { leave(): void } | null;
  /** Closes it, and resolves once nobody is inside. */
  close(): Promise<{ open(): void }>;
}

export function createTurnstile(): Turnstile {
  let inside = 0;
  let closed = 0;
  let emptied = Promise.withResolvers<void>();
  return {
    enter() {
      if (closed > 0) return null;
      inside += 1;
      return {
        leave() {
          inside -= 1;
          if (inside > 0) return;
          emptied.resolve();
          emptied = Promise.withResolvers();
        },
      };
    },
    async close() {
      closed += 1;
      while (inside > 0) await emptied.promise;
      return {
        open() {
          closed -= 1;
        },
      };
    },
  };
}
