/** How many connections to Postgres a process may have at any moment, whatever they are for. */
export interface ConnectionBudget {
  readonly max: number;
  /** What all pools of the process may have together: the rest is for a look that goes beside them. */
  readonly pooled: number;
  /** Connections that are there, in the making, or not closed to their end yet. */
  readonly open: number;
  /** Statements that were answered on connections of the pools, those that prepare a session among them. */
  readonly statements: number;
  /** One more of them. */
  answered(): void;
  /** Waits for a place for a connection of a pool; returns how to give it back. */
  enter(): Promise<() => void>;
  /** The same for a connection that looks at something and is closed again: one of them at a time. */
  look(): Promise<() => void>;
}

/**
 * What is opened beside the pools (which of several hosts takes writes, whether a pooler keeps sessions, whether a backend
 * is still there) has a place of its own: a pool's connection may be waiting for the answer, and would wait for ever if
 * that waited for a pool.
 */
const looks = 1;

/** The least with which a process with one pool works. */
export const connectionsMin = 1 + looks;

/** Counts the connections of all stores that are opened with it. */
export function createConnectionBudget(max: number): ConnectionBudget {
  return budgetOf(max, createPlaces(max - looks), createPlaces(looks));
}

/** Of a process that counts its connections by its pools. */
export function unlimitedConnections(): ConnectionBudget {
  const max = Number.POSITIVE_INFINITY;
  return budgetOf(max, createPlaces(max), createPlaces(max));
}

function budgetOf(max: number, pooled: Places, looking: Places): ConnectionBudget {
  let statements = 0;
  return {
    max,
    pooled: max - looks,
    get statements() {
      return statements;
    },
    answered() {
      statements += 1;
    },
    get open() {
      return pooled.taken + looking.taken;
    },
    enter: pooled.take,
    look: looking.take,
  };
}

interface Places {
  readonly taken: number;
  take(): Promise<() => void>;
}

/** First come, first served. */
function createPlaces(count: number): Places {
  const waiting: Array<() => void> = [];
  let taken = 0;
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
  };
  return {
    get taken() {
      return taken;
    },
    async take() {
      if (taken < count) taken += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let isMine = true;
      return () => {
        if (isMine) giveBack();
        isMine = false;
      };
    },
  };
}
