import type { CampaignAction, CampaignBounds } from '../campaigns.ts';
import type { PlanFacts } from '../plan-work.ts';
import type { Between, EstimatedBy } from '../plans.ts';
import { endsInOrder } from './campaign-ends.ts';
import { estimateRotation } from './estimate.ts';

/** A tenant that a campaign would be for, in the order of its turn. */
export interface SimulatedMember {
  readonly tenantId: string;
  readonly items: number;
  /** The rotation or rewrap that stands in its way, for which it would be skipped. */
  readonly workId: string | null;
  /** Of a rewrap: DEKs to be brought under the other KEK. */
  readonly deks: number;
  /** When its key is overdue by its policy; null: none says when, or a rewrap is simulated. */
  readonly overdueAt: Date | null;
}

export interface CampaignFacts {
  readonly now: Date;
  /** A rotation because of a compromised key keeps it from starting anybody, for as long as nobody knows. */
  readonly waitsForCompromise: boolean;
  readonly members: readonly SimulatedMember[];
  readonly facts: PlanFacts;
}

/** A tenant whose key is overdue before its turn has ended. */
export interface LateTenant {
  readonly tenantId: string;
  readonly overdueAt: Date;
  readonly endsAt: { readonly earliest: Date; readonly latest: Date };
  /** Even at the earliest. */
  readonly isCertain: boolean;
}

export interface SimulatedCampaign {
  readonly selected: number;
  readonly skipped: readonly SimulatedMember[];
  readonly records: number;
  /** Until the last of them has ended. */
  readonly seconds: Between;
  readonly by: EstimatedBy;
  /** How many run at once: at the earliest as many as it may, at the latest as many as workers live. */
  readonly atOnce: Between;
  readonly waitsForCompromise: boolean;
  readonly workers: number;
  readonly late: readonly LateTenant[];
}

interface Asked extends CampaignBounds {
  readonly action: CampaignAction;
  readonly callsPerSecondMax: number;
}

/** Of a record whose size no plan has measured. */
const bytesAssumed = 256;
/** A place is given again by a worker's next look. */
const lookSeconds: Between = { low: 0, high: 1 };
/** Of a rewrap, besides its calls: a worker takes one at a time, and looks about once a second. */
const rewrapSeconds: Between = { low: 0.2, high: 2 };
const callSeconds = 0.05;

/** When a campaign that began now would be done, and for whom that is too late. Nothing is read or written. */
export function simulateCampaign(
  asked: Asked,
  { now, members, facts, waitsForCompromise }: CampaignFacts,
): SimulatedCampaign {
  const started = members.filter(({ workId }) => workId === null);
  const records = started.reduce((sum, { items }) => sum + items, 0);
  const workers = Math.max(1, facts.workers);
  const isRewrap = asked.action === 'rewrap';
  const atOnce = {
    low: Math.min(asked.atOnceMax, workers),
    high: isRewrap ? Math.min(asked.atOnceMax, workers) : asked.atOnceMax,
  };
  const rotationSeconds = estimator(facts);
  const taken = started.map((member) => (isRewrap ? rewrap(member, asked) : rotationSeconds(member.items)));
  const turns = (end: 'low' | 'high', places: number): number[] =>
    endsInOrder(
      taken.map((seconds) => seconds[end] + lookSeconds[end]),
      { places, canaries: asked.canaries, perHourMax: asked.perHourMax },
    );
  // What runs already has the workers first.
  const ahead = isRewrap || facts.queue.itemsAhead === 0 ? 0 : rotationSeconds(facts.queue.itemsAhead).high;
  const [earliest, latest] = [turns('low', atOnce.high), turns('high', atOnce.low).map((end) => end + ahead)];
  const at = (seconds: number): Date => new Date(now.getTime() + Math.round(seconds * 1_000));
  const late = started.flatMap(({ tenantId, overdueAt }, index): LateTenant[] => {
    const endsAt = { earliest: at(earliest[index] ?? 0), latest: at(latest[index] ?? 0) };
    if (overdueAt === null || overdueAt >= endsAt.latest) return [];
    return [{ tenantId, overdueAt, endsAt, isCertain: overdueAt < endsAt.earliest }];
  });
  return {
    selected: members.length,
    skipped: members.filter(({ workId }) => workId !== null),
    records,
    seconds: { low: largest(earliest), high: largest(latest) },
    by: taken.some(({ by }) => by === 'assumed') ? 'assumed' : 'measured',
    atOnce,
    waitsForCompromise,
    workers: facts.workers,
    late: late.toSorted((a, b) => a.overdueAt.getTime() - b.overdueAt.getTime()),
  };
}

type Seconds = Between & { readonly by: EstimatedBy };

/** Each size is estimated once: thousands of tenants have few of them. */
function estimator({ finished, workers }: PlanFacts): (records: number) => Seconds {
  const sized = finished.flatMap(({ items, bytes }) =>
    bytes === null || items === 0 ? [] : [bytes / items],
  );
  const bytesEach = sized.toSorted((a, b) => a - b)[sized.length >> 1] ?? bytesAssumed;
  const known = new Map<number, Seconds>();
  return (records) => {
    const before = known.get(records);
    if (before !== undefined) return before;
    const queue = { running: 0, waiting: 0, itemsAhead: 0 };
    const work = { records, bytes: records * bytesEach, olderDeks: 1 };
    const { seconds } = estimateRotation(work, { queue, finished, workers });
    known.set(records, seconds);
    return seconds;
  };
}

/** Each DEK is unwrapped and wrapped. */
function rewrap({ deks }: SimulatedMember, { callsPerSecondMax }: Asked): Seconds {
  const calls = 2 * deks;
  return {
    low: rewrapSeconds.low + calls / callsPerSecondMax,
    high: rewrapSeconds.high + calls * Math.max(callSeconds, 1 / callsPerSecondMax),
    by: 'assumed',
  };
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
