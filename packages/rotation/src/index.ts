export {
  type Conclusion,
  conclude,
  concludeHere,
  loadSweep,
  prepareSweep,
  type Sweepable,
} from './advance.ts';
export { type BatchSize, fixedBatchSize, measuredBatchSize, measuredBatchSizes } from './batch-size.ts';
export type { RotationEnvironment, RotationEvent } from './environment.ts';
export { createPace, itemsPerSecondMin, type Pace } from './pace.ts';
export { createBeats } from './pulse.ts';
export { itemsSweptHere, rotate, sweepHere } from './rotate.ts';
export { type SweptRange, sweepRange } from './sweep-range.ts';
export { diagnose, endsRotation, IntegrityTrouble, type Trouble, type Waits } from './trouble.ts';
export { fixedTurns, measuredTurns, type Turns } from './turns.ts';
