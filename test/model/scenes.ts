import type { Macros } from './spin.ts';

export const on = null;

export const safety = {
  'one rotation, two workers, a pause, a cancel': { ROTATIONS: 1 },
  'two rotations, the first perhaps cancelled while it drains': { ROTATIONS: 2, WORKERS: 1, PAUSES: 0 },
  'two rotations, a worker that comes back in the second': { ROTATIONS: 2, STALE: 0, PAUSES: 0 },
  'two records, one of them inserted meanwhile': { ROTATIONS: 1, NR: 2, PAUSES: 0 },
} as const satisfies Record<string, Macros>;

export const progress = {
  'drains while two stale writers never rest': {
    DRAINS: on,
    NR: 2,
    TWO_PLAIN: on,
    FOR_EVER: on,
    WORKERS: 1,
    ROTATIONS: 1,
    CANCELS: 0,
    PAUSES: 0,
  },
  'ends, whichever worker is silent, paused and resumed': { ENDS: on, ROTATIONS: 1, STALE: 0, CANCELS: 0 },
  'ends after one that was cancelled while it drained': { ENDS: on, ROTATIONS: 2, WORKERS: 1, PAUSES: 0 },
  'keeps no writer waiting, though a transaction never ends': {
    FORGOTTEN: on,
    ROTATIONS: 1,
    WRITES: 2,
    WORKERS: 1,
    CANCELS: 0,
    PAUSES: 0,
  },
} as const satisfies Record<string, Macros>;
