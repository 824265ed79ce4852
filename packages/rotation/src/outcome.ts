/**
 * What became of work on a rotation, in the same words from a batch up to the job that a queue brought. Trouble is none of
 * them: it is thrown, and `diagnose` says what to make of it.
 * - `done`: what was asked for stands committed: the range is proved, the ranges are swept, the rotation is completed.
 * - `left`: all that can be done here is, and the rest is left to others: a range to whoever ends the drain, a rotation's
 *   ranges to the queue or to those who hold them.
 * - `lost`: it is not ours, or not any more: the lease is another's, the range was proved before, the rotation has ended.
 * - `stopped`: the signal came; what was begun is given back, to go on from there.
 */
export type Outcome = 'done' | 'left' | 'lost' | 'stopped';

/** Why nothing was done. */
export type Refused = Extract<Outcome, 'lost' | 'stopped'>;
