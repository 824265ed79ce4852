import { randomUUID } from 'node:crypto';
import { type ClaimedPlan, claimPlan, noteKmsCalls, notePlan } from '@rekey/control';
import type { Store } from '@rekey/db';
import { diagnose, makePlan, type PlanEnvironment } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { leaseMs } from '@rekey/times';
import type { KmsCalls } from './count-kms-calls.ts';
import type { Precedence } from './precedence.ts';
import { untilStopped } from './until-stopped.ts';

interface Planning {
  readonly env: PlanEnvironment;
  readonly heartbeatStore: Store;
  readonly kmsCalls: Pick<KmsCalls, 'take' | 'giveBack'>;
  /** A plan reads every record: it waits while a rotation because of a compromised key goes forward. */
  readonly precedence: Pick<Precedence, 'isTaken' | 'givesWay'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Looks for plans about once a second and makes one at a time, until the signal; and tells what calls of KMSs rotations took,
 * so that a plan can be held against it. Plans are found in Postgres, so none waits for Redis; when a worker dies, another
 * one goes on where it was.
 */
export async function keepPlanning(planning: Planning): Promise<void> {
  await Promise.all([untilStopped('planning', () => makeOne(planning), planning), tellOfKmsCalls(planning)]);
}

async function makeOne({ env, heartbeatStore, precedence, logger, signal }: Planning): Promise<void> {
  if (precedence.isTaken()) return;
  const stops = AbortSignal.any([signal, precedence.givesWay()]);
  const plan = await claimPlan(heartbeatStore, randomUUID(), leaseMs);
  if (plan === null) return;
  const about = { planId: plan.id, tenantId: plan.tenantId };
  try {
    const outcome = await makePlan(env, plan, stops);
    logger[outcome === 'done' ? 'info' : 'debug'](`plan ${outcome}`, about);
  } catch (error) {
    logger.warn('plan waits', { ...about, error });
    await giveBack(heartbeatStore, plan, error);
  }
}

/** To whoever comes next, in some seconds, with what is in the way. */
async function giveBack(store: Store, plan: ClaimedPlan, error: unknown): Promise<void> {
  const trouble = diagnose(error);
  const waits =
    trouble.kind === 'transient'
      ? trouble
      : trouble.kind === 'permanent' && trouble.meanwhile !== undefined
        ? trouble.meanwhile
        : { waitingFor: trouble.kind === 'permanent' ? ('kms' as const) : ('database' as const) };
  const { what, todo, ofOneWorker = false } = waits.detail ?? {};
  await notePlan(store, plan, {
    leaves: true,
    waitingFor: waits.waitingFor,
    ...(what === undefined || todo === undefined ? {} : { waitingDetail: { what, todo, ofOneWorker } }),
  });
}

async function tellOfKmsCalls(planning: Planning): Promise<void> {
  const { heartbeatStore, kmsCalls } = planning;
  const tell = async (): Promise<void> => {
    const calls = kmsCalls.take();
    if (calls.size === 0) return;
    try {
      await noteKmsCalls(heartbeatStore, calls);
    } catch (error) {
      kmsCalls.giveBack(calls);
      throw error;
    }
  };
  await untilStopped('telling of calls of KMSs', tell, planning);
  await tell().catch(() => {}); // those of its last second are lost then
}
