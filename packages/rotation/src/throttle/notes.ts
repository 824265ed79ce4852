import type { Throttling } from '@rekey/control';
import { throttleMs } from '@rekey/times';

/** Says in the database what a rotation is held back for; null: nothing, or nothing any more. */
export type Note = (rotationId: string, throttling: Throttling | null) => Promise<void>;

/** Brings what is said of each rotation to what is so, one statement at a time for each, and again while it lasts. */
export interface Notes {
  /** Does not wait, does not throw: what failed is said with the next call. */
  settle(rotationId: string, wanted: Throttling | null): void;
}

export function createNotes(note: Note): Notes {
  const states = new Map<
    string,
    { said: Throttling | null; wanted: Throttling | null; saidMs: number; underWay: boolean }
  >();

  const isDue = ({
    said,
    wanted,
    saidMs,
  }: {
    said: Throttling | null;
    wanted: Throttling | null;
    saidMs: number;
  }) =>
    said?.signal !== wanted?.signal ||
    said?.level !== wanted?.level ||
    (wanted !== null && performance.now() - saidMs >= throttleMs.sayEvery);

  const settle = (rotationId: string, wanted: Throttling | null): void => {
    const state = states.get(rotationId) ?? { said: null, wanted, saidMs: 0, underWay: false };
    state.wanted = wanted;
    if (state.underWay) return;
    if (!isDue(state)) {
      if (wanted === null) states.delete(rotationId);
      return;
    }
    states.set(rotationId, state);
    state.underWay = true;
    note(rotationId, wanted)
      .then(
        () => {
          state.said = wanted;
          state.saidMs = performance.now();
          return true;
        },
        () => false, // the database is away: whoever writes to it next says so
      )
      .then((isSaid) => {
        state.underWay = false;
        if (isSaid) settle(rotationId, state.wanted);
        else if (state.wanted === null) states.delete(rotationId); // it is taken for over once nobody says it again
      });
  };
  return { settle };
}
