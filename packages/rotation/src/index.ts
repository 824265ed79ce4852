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
export { atMost } from './forecast/at-most.ts';
export { makePlan, type PlanEnvironment } from './forecast/make-plan.ts';
export { createHeartbeats } from './heartbeat.ts';
export type { Outcome } from './outcome.ts';
export { planRanges } from './plan-ranges.ts';
export { createRateLimiter, itemsPerSecondMin, type RateLimiter } from './rate-limiter.ts';
export { type RewrapEnvironment, rewrapDeks } from './rewrap/rewrap-deks.ts';
export { rotate, sweepHere } from './rotate.ts';
export { createSmallRanges, type SmallRanges } from './small-ranges.ts';
export { createSpeedLimit, createSpeedLimits } from './speed-limit.ts';
export type { HandOut } from './spread.ts';
export {
  adaptiveStatementLimiter,
  fixedStatementLimiter,
  type LimiterManner,
  type StatementLimiter,
} from './statement-limiter.ts';
export { createSteps, type Steps } from './steps.ts';
export type { Sweep } from './sweep.ts';
export { sweepRange } from './sweep-range.ts';
export { quiet, type Reading, type Signal } from './throttle/signal.ts';
export type { Throttle } from './throttle/throttle.ts';
export { createWatchingThrottle } from './throttle/watching.ts';
export { diagnose, endsRotation, IntegrityTrouble, type Trouble, type Waits } from './trouble.ts';
