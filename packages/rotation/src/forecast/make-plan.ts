import {
  type ClaimedPlan,
  completePlan,
  estimateRotation,
  notePlan,
  type OpenedRecords,
  type PlanProgress,
  planFacts,
} from '@rekey/control';
import { asTargetTrouble, loadTargets, readSizes, type Target } from '@rekey/data';
import { heartbeatWhileWaitingMs } from '@rekey/times';
import type { RotationEnvironment } from '../environment.ts';
import { atMost, sampleConfidence } from './at-most.ts';
import { groupsToOpen, type Opened, openThese, openWindow } from './open-records.ts';

export type PlanEnvironment = Pick<
  RotationEnvironment,
  'store' | 'sweepStore' | 'keyring' | 'statementLimiter' | 'rateLimiter'
>;

/** Records whose sizes one statement reads. */
const sizesAtOnce = 20_000;
/** A sample has about so many records, and never more than half as many again. */
const sampleRecords = 1_000;

/** After so long it is given back, so that plans of small tenants need not wait until a large one's is made. */
const turnMs = 10_000;

const begun: PlanProgress = {
  step: 'sizes',
  target: null,
  after: null,
  records: 0,
  bytes: 0,
  keyNumbers: [],
  opened: 0,
  notOpening: {},
};

/**
 * Takes a plan to its end, from where whoever had it before has left it: each step is written down, and one that was not is
 * done again. It only reads, and holds to the worker's limits as a sweep does.
 *
 * - `done`: it is completed.
 * - `left`: the signal came, or others are to have their turn.
 * - `lost`: another worker has it, or it has ended.
 *
 * Throws what `diagnose` understands; the plan is then still this worker's.
 */
export async function makePlan(
  env: PlanEnvironment,
  plan: ClaimedPlan,
  signal: AbortSignal,
): Promise<'done' | 'left' | 'lost'> {
  // In the order that strings are compared in here, whatever the database's collation.
  const targets = (await loadTargets(env.store)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const until = performance.now() + turnMs;
  const beat = setInterval(() => void notePlan(env.store, plan, {}).catch(() => {}), heartbeatWhileWaitingMs);
  try {
    let progress = plan.progress ?? begun;
    while (progress.step !== 'done') {
      progress = await next(env, plan, targets, progress, signal);
      const leaves = signal.aborted || (performance.now() > until && progress.step !== 'done');
      if (!(await notePlan(env.store, plan, { progress, leaves }))) return 'lost';
      if (leaves) return 'left';
    }
    const facts = await planFacts(env.store, plan.tenantId);
    const older = new Set([...progress.keyNumbers, ...(facts.activeKey === null ? [] : [facts.activeKey])]);
    const { records, bytes } = progress;
    const estimate = {
      ...estimateRotation({ records, bytes, olderDeks: older.size }, facts),
      opened: openedRecords(plan, progress),
    };
    return (await completePlan(env.store, plan, { progress, estimate })) ? 'done' : 'lost';
  } finally {
    clearInterval(beat);
  }
}

async function next(
  env: PlanEnvironment,
  plan: ClaimedPlan,
  targets: readonly Target[],
  progress: PlanProgress,
  signal: AbortSignal,
): Promise<PlanProgress> {
  // Those that were registered behind it meanwhile are among them, and one that is gone is passed over.
  const target = targets.find(({ name }) => progress.target === null || name >= progress.target);
  if (target === undefined) {
    const step = progress.step === 'sizes' && plan.check === 'all' ? 'opening' : 'done';
    return { ...progress, step, target: null, after: null };
  }
  const after = target.name === progress.target ? progress.after : null;
  const work = progress.step === 'sizes' ? sizesOf : openingOf;
  try {
    const [found, last] = await work(env, plan, target, progress, after, signal);
    const behind = targets.find(({ name }) => name > target.name);
    if (last !== null) return { ...found, target: target.name, after: last };
    // No name comes behind this one.
    return { ...found, target: behind?.name ?? '\uffff', after: null };
  } catch (error) {
    throw asTargetTrouble(target, error) ?? error;
  }
}

type Step = (
  env: PlanEnvironment,
  plan: ClaimedPlan,
  target: Target,
  progress: PlanProgress,
  after: string | null,
  signal: AbortSignal,
) => Promise<[found: PlanProgress, last: string | null]>;

const sizesOf: Step = async (env, plan, target, progress, after, signal) => {
  const { tenantId, check, seed, items } = plan;
  const room = sampleRecords * 1.5 - progress.opened;
  const share = items <= sampleRecords ? 1 : sampleRecords / items;
  const sample = check === 'sample' && room > 0 ? { seed, share } : null;
  const read = await within(env, () =>
    readSizes(env.sweepStore, target, { tenantId, after, itemsMax: sizesAtOnce, sample }),
  );
  const found: PlanProgress = {
    ...progress,
    records: progress.records + read.records,
    bytes: progress.bytes + read.bytes,
    keyNumbers: [...new Set([...progress.keyNumbers, ...read.keyNumbers])].sort((a, b) => a - b),
  };
  if (sample === null) return [found, read.next];
  const chosen = read.sampled.slice(0, room);
  let opened = found;
  for (const ids of groupsToOpen(chosen)) {
    if (signal.aborted) return [progress, after]; // whoever goes on looks at these sizes again
    await env.rateLimiter?.acquire(ids.length, signal, async () => true);
    opened = withOpened(opened, await within(env, () => openThese(env, { tenantId, target }, ids)));
  }
  const tooLarge = Math.min(read.sampledTooLarge, room - chosen.length);
  if (tooLarge > 0)
    opened = withOpened(opened, { records: tooLarge, notOpening: new Map([['TOO_LARGE', tooLarge]]) });
  return [opened, read.next];
};

const openingOf: Step = async (env, { tenantId }, target, progress, after, signal) => {
  const { next: last, ...opened } = await within(env, () => openWindow(env, { tenantId, target }, after));
  if (opened.records > 0) await env.rateLimiter?.acquire(opened.records, signal, async () => true);
  return [withOpened(progress, opened), last];
};

function withOpened(progress: PlanProgress, { records, notOpening }: Opened): PlanProgress {
  const reasons: Record<string, number> = { ...progress.notOpening };
  for (const [reason, count] of notOpening) reasons[reason] = (reasons[reason] ?? 0) + count;
  return { ...progress, opened: progress.opened + records, notOpening: reasons };
}

function within<Result>({ statementLimiter }: PlanEnvironment, work: () => Promise<Result>): Promise<Result> {
  return statementLimiter === undefined ? work() : statementLimiter.run(work);
}

function openedRecords({ check }: ClaimedPlan, progress: PlanProgress): OpenedRecords | null {
  if (check === 'none') return null;
  const { records, opened, notOpening } = progress;
  const found = Object.values(notOpening).reduce((sum, count) => sum + count, 0);
  const isSample = check === 'sample' && opened < records;
  return {
    records: opened,
    notOpening,
    atMost: isSample ? atMost(found, opened, records) : found,
    confidence: isSample ? sampleConfidence : 1,
  };
}
