import { type Queryable, row } from '@rekey/db';
import { leaseMs } from '@rekey/times';
import type { WaitingFor } from './rotation-view.ts';
import type { RotationPhase } from './transitions/states.ts';

/** Rotations of up to so many records are swept by the job that prepared them; the queue would cost more. */
export const itemsSweptHere = 10_000;

/** How much there is to do, for all tenants together. */
export interface WorkFigures {
  /** Ranges, small rotations and steps between phases that a worker could do now, those under way among them. */
  readonly work: number;
  /** Those of them that a worker has. */
  readonly underWay: number;
  /** Records of unfinished rotations that are not swept yet, as they were planned. */
  readonly itemsRemaining: number;
  /** Unfinished rotations of tenants with a DEK that is still held. */
  readonly draining: number;
  /** Events that no worker has written a line for yet; no more than 10,000 are counted. */
  readonly eventsWaiting: number;
  /** Unfinished rotations by phase, paused ones by themselves. */
  readonly rotations: Partial<Record<RotationPhase | 'paused', number>>;
  /** Those that run, by what they wait for. */
  readonly waits: Partial<Record<WaitingFor, number>>;
}

export async function findWorkFigures(on: Queryable): Promise<WorkFigures> {
  const found = await row<{
    work: string;
    under_way: string;
    items_remaining: string;
    rotations_draining: string;
    events_waiting: string;
    rotations: WorkFigures['rotations'];
    waits: WorkFigures['waits'];
  }>(on, 'select * from rekey.work_figures($1, $2)', [itemsSweptHere, leaseMs]);
  return {
    work: Number(found.work),
    underWay: Number(found.under_way),
    itemsRemaining: Number(found.items_remaining),
    draining: Number(found.rotations_draining),
    eventsWaiting: Number(found.events_waiting),
    rotations: found.rotations,
    waits: found.waits,
  };
}
