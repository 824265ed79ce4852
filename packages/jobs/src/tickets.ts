import { backoffMs as backoffTimes } from '@rekey/times';
import type { JobsOptions } from 'bullmq';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';

/** The two queues. A job is a ticket: it carries ids only, everything else is read from Postgres. */
export const queueNames = { rotations: 'rotations', ranges: 'ranges' } as const;

const Uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });

/**
 * What tickets mean is a version, told by the name of their job, which every version before this one passes over. Fields are
 * added without raising it: whoever does not know one reads on. What changes raises it, and a worker leaves a ticket of a
 * later version to a later worker.
 */
const version = 1;
export const jobNames = { rotations: `rotate@${version}`, ranges: `sweep@${version}` } as const;

/** Whether a job's ticket means what this version does not know; a name without a version is from before there was one. */
export function isOfLaterVersion(jobName: string): boolean {
  const [, told] = /^(?:rotate|sweep)@([0-9]{1,9})$/.exec(jobName) ?? [];
  return told !== undefined && Number(told) > version;
}

/** Whether it is because of a compromised key, and comes before those that are not. A hint, as all of a ticket. */
const compromise = Type.Optional(Type.Boolean());

/** "Take this tenant's rotation forward." */
const RotationTicket = Type.Object({ rotationId: Uuid, tenantId: Uuid, compromise });
export type RotationTicket = Static<typeof RotationTicket>;

/** "Sweep and prove this range." */
const RangeTicket = Type.Object({
  rotationId: Uuid,
  target: Type.String({ pattern: '^[a-z][a-z0-9_]{0,40}$' }),
  // Postgres' integer: a larger one would fail there instead of meaning nothing.
  ordinal: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
  compromise,
});
export type RangeTicket = Static<typeof RangeTicket>;

/**
 * What this version knows of a ticket; null for a job that is not one of ours: it is dropped, since Postgres knows what is
 * really unfinished.
 */
export function parseRotationTicket(data: unknown): RotationTicket | null {
  if (!Value.Check(RotationTicket, data)) return null;
  const { rotationId, tenantId, compromise: isFirst } = data;
  return { rotationId, tenantId, ...(isFirst === true ? { compromise: true } : {}) };
}

export function parseRangeTicket(data: unknown): RangeTicket | null {
  if (!Value.Check(RangeTicket, data)) return null;
  const { rotationId, target, ordinal, compromise: isFirst } = data;
  return { rotationId, target, ordinal, ...(isFirst === true ? { compromise: true } : {}) };
}

/**
 * One per tenant, so that the queue never holds two tickets for it. BullMQ allows no colon in an id. One because of a
 * compromised key does not wait for the place of the one that it replaced, which may still be under way.
 */
export function rotationJobId({ tenantId, compromise: isFirst }: Omit<RotationTicket, 'rotationId'>): string {
  return `${isFirst === true ? 'compromise' : 'rotate'}-${tenantId}`;
}

export function rangeJobId({ rotationId, target, ordinal }: RangeTicket): string {
  return `range-${rotationId}-${target}-${ordinal}`;
}

/**
 * `add` with an id that exists is a silent no-op in every state, so a job that ended is removed at once: history
 * is in Postgres. Attempts are not what ends a rotation, so there is no limit to them.
 */
export const jobOptions = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: 'custom' },
} as const satisfies JobsOptions;

/** BullMQ's limit. A higher number is served later. */
const priorityMax = 2_097_151;

/**
 * In order. Those because of a compromised key come before all that wait, the latest first; and, since those without a priority
 * come before all that have one, also when they come back after trouble.
 */
export function rotationPlace({ compromise: isFirst }: Pick<RotationTicket, 'compromise'>): JobsOptions {
  return isFirst === true ? { lifo: true } : { priority: 1 };
}

/**
 * The n-th range of every rotation comes before the (n+1)-th of any: a tenant with one range does not wait for the
 * thousand ranges of another. Those without a priority come before all that have one.
 */
export function rangePlace({
  ordinal,
  compromise: isFirst,
}: Omit<RangeTicket, 'rotationId' | 'target'>): JobsOptions {
  return isFirst === true ? {} : { priority: Math.min(ordinal + 1, priorityMax) };
}

/** Milliseconds until the next attempt after trouble: doubling from 250 ms to 10 s, with jitter. */
export function backoffMs(attemptsMade: number, random: () => number = Math.random): number {
  const full = Math.min(backoffTimes.max, backoffTimes.first * 2 ** Math.min(attemptsMade - 1, 10));
  return Math.round(full * (0.5 + random() / 2));
}
