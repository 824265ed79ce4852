import { formatPlanId, type Planned } from '@rekey/contract';
import type { PlanView, RotationView } from '@rekey/control';
import { StoreError } from '@rekey/db';
import type { Rotations } from './dependencies.ts';
import { estimateJson } from './plan-json.ts';

/** A rotation is bound to its plan in the transaction that starts it: one without never gets one. */
const withoutMs = 60_000;
/** What a plan's rotation took is read anew so often, however many poll it. */
const withMs = 1_000;
/** Of rotations, some bytes each, and a plan where there is one. */
const knownMax = 5_000;

/** What was planned and what it took, of a rotation that was started with a plan; null of others, or while that is unknown. */
export function createPlanned(
  rotations: Pick<Rotations, 'planOf'>,
): (view: RotationView) => Planned | null | Promise<Planned | null> {
  const known = new Map<string, { readonly plan: PlanView | null; readonly askedAt: number }>();

  function planOf({ id: rotationId, completedAt }: RotationView): PlanView | null | Promise<PlanView | null> {
    const before = known.get(rotationId);
    // From before its end.
    const isOld = completedAt !== null && before?.plan?.walBytes === null;
    const remembered = isOld ? undefined : before;
    const askedAt = performance.now();
    if (
      remembered !== undefined &&
      askedAt - remembered.askedAt < (remembered.plan === null ? withoutMs : withMs)
    )
      return remembered.plan;
    return ask(rotationId, before?.plan ?? null, askedAt);
  }

  async function ask(rotationId: string, before: PlanView | null, askedAt: number): Promise<PlanView | null> {
    try {
      const plan = await rotations.planOf(rotationId);
      known.delete(rotationId);
      const [oldest] = known.size < knownMax ? [] : known.keys();
      if (oldest !== undefined) known.delete(oldest);
      known.set(rotationId, { plan, askedAt });
      return plan;
    } catch (error) {
      // What Redis tells of a rotation while Postgres is away is told all the same.
      if (error instanceof StoreError && error.code === 'UNAVAILABLE') return before;
      throw error;
    }
  }

  const told = (plan: PlanView | null, view: RotationView): Planned | null =>
    plan === null || plan.estimate === null ? null : sideBySide(plan, plan.estimate, view);
  return (view) => {
    const plan = planOf(view);
    return plan instanceof Promise ? plan.then((found) => told(found, view)) : told(plan, view);
  };
}

function sideBySide(
  plan: PlanView,
  estimate: NonNullable<PlanView['estimate']>,
  { itemsToRotate, startedAt, completedAt }: RotationView,
): Planned {
  const ms = (completedAt?.getTime() ?? Date.now()) - startedAt.getTime();
  return {
    plan: { planId: formatPlanId(plan.id), itemsToRotate: plan.items, ...estimateJson(estimate) },
    actual: {
      itemsToRotate,
      seconds: Math.max(0, ms) / 1_000,
      walBytes: plan.walBytes,
      kmsCalls: plan.kmsCalls,
    },
  };
}
