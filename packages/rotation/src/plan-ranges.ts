import { randomUUID } from 'node:crypto';
import {
  asTargetTrouble,
  type CutOrder,
  type CutRange,
  cutRanges,
  hasRecords,
  type OpenRange,
  openRanges,
  type PlanEdge,
  type PlanEdges,
  rangeItems,
  type Target,
  type TargetTrouble,
} from '@rekey/data';
import type { RotationEnvironment } from './environment.ts';
import { stepsOf } from './steps.ts';

interface Plan {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly newKeyNumber: number;
  /** This planner saw the switch, a moment ago: see `CutOrder`. Absent: records are looked at one by one. */
  readonly isJustSwitched?: boolean;
  /** With at most so many records in all, the ranges are claimed as they are stored, for whoever planned to sweep. */
  readonly claimItemsMax?: number;
  /** What there is to plan, where that was looked for already. */
  readonly edges?: Promise<PlanEdges>;
  /** Ends the planning between two statements with its reason; what is stored by then stays. */
  readonly signal?: AbortSignal;
}

interface Planned {
  readonly targets: readonly Target[];
  /** What is still to be proved, of this plan or an earlier one. */
  readonly ranges: readonly OpenRange[];
  /** Of a target that could not be cut to its end, and in which the tenant has records. */
  readonly trouble: TargetTrouble | null;
}

/** Told of the ranges that were just stored: they may be swept while the rest is still being cut. */
export type OnRanges = (ranges: readonly OpenRange[]) => Promise<void>;

/**
 * Cuts every target into ranges of about `itemsPerRange` records, edge to edge from minus to plus infinity, and moves
 * the rotation on to `sweeping`. Called after the switch, so `planned` is what stands on older keys. It goes on where
 * an earlier planner stopped, and several at once do no harm: a range is stored only next to the one before it.
 */
export async function planRanges(
  env: Pick<RotationEnvironment, 'store' | 'sweepStore' | 'steps'>,
  plan: Plan,
  itemsPerRange = rangeItems,
  onRanges: OnRanges = async () => {},
): Promise<Planned> {
  const { rotationId, isJustSwitched = false, claimItemsMax = -1, signal } = plan;
  const { store } = env;
  const steps = stepsOf(env);
  const inTrouble = new Map<string, TargetTrouble>();
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const known = isFirst ? plan.edges : undefined;
    const { targets, edges: all } = await (known ?? steps.planEdges(rotationId));
    const edges = all.filter(({ target }) => !inTrouble.has(target.name));
    const [trouble = null] = inTrouble.values();
    const stored = async (owner: string | null): Promise<Planned> => ({
      targets,
      ranges: await openRanges(store, rotationId, owner),
      trouble,
    });
    if (edges.length === 0) return stored(null);

    const cuts = await cutWhatCanBe(env, edges, { ...plan, isJustSwitched, itemsPerRange }, inTrouble);
    // Most tenants are small: all of theirs is cut at once.
    const isWhole = isFirst && cuts.length === targets.length && cuts.every(isWholeTarget);
    const owner = isWhole && totalPlanned(cuts) <= claimItemsMax ? randomUUID() : null;
    const ranges = await steps.storeRanges({ rotationId, cuts, owner });
    if (ranges === null) return stored(owner); // the rotation is over
    await onRanges(ranges);
    // With fewer, another planner was at it as well: what it stored, and what is ours.
    const isOurs = ranges.length === cuts.length;
    if (isWhole) return isOurs ? { targets, ranges, trouble } : stored(owner);
    if (isOurs && inTrouble.size === 0 && cuts.every(({ upper }) => upper === null)) return stored(owner);
  }
}

function isWholeTarget({ lower, upper }: CutRange): boolean {
  return lower === null && upper === null;
}

function totalPlanned(cuts: readonly CutRange[]): number {
  return cuts.reduce((sum, { planned }) => sum + planned, 0);
}

/**
 * The next range of each target; when a table is in trouble, each target for itself: a tenant without records in it is not
 * held up, and for others it goes to `inTrouble`.
 */
async function cutWhatCanBe(
  env: Pick<RotationEnvironment, 'store' | 'sweepStore' | 'steps'>,
  edges: readonly PlanEdge[],
  order: CutOrder,
  inTrouble: Map<string, TargetTrouble>,
): Promise<CutRange[]> {
  const on = env.sweepStore;
  try {
    const isFirst = edges.every(({ lower }) => lower === null);
    return await (isFirst ? stepsOf(env).cutFirstRanges({ ...order, edges }) : cutRanges(on, edges, order));
  } catch (error) {
    const [first] = edges;
    if (first === undefined || asTargetTrouble(first.target, error) === null) throw error;
  }
  const cuts: CutRange[] = [];
  for (const edge of edges) {
    try {
      cuts.push(...(await cutRanges(on, [edge], order)));
    } catch (error) {
      const trouble = asTargetTrouble(edge.target, error);
      if (trouble === null) throw error;
      const isEmpty = edge.lower === null && !(await hasRecords(on, order.tenantId, edge.target.name));
      if (isEmpty) cuts.push({ ...edge, planned: 0, upper: null });
      else inTrouble.set(edge.target.name, trouble);
    }
  }
  return cuts;
}
