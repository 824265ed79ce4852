import {
  type CompletedRotation,
  completeOnce,
  completeRotation,
  type DekOfTenant,
  loadSeveralDeks,
  type NewMaterial,
  type SwitchDek,
  type Switched,
  storeMaterial,
  storeMaterials,
  switchDek,
  type TakenUp,
  takeUp,
  takeUpSeveral,
  type WrappedDek,
} from '@rekey/control';
import {
  type CutOrder,
  type CutRange,
  cutFirstRanges,
  cutRanges,
  type OpenRange,
  type PlanEdge,
  type PlanEdges,
  planEdges,
  type StoreOrder,
  storeRanges,
} from '@rekey/data';
import type { Store } from '@rekey/db';
import { together } from './together.ts';

/**
 * The steps of a rotation that are a transaction each. Rotations of a process that come to the same step at the same time take
 * it by one, but for the switch: what a transaction costs is mostly that its code and its tables have left the caches, and each pays for it once.
 */
export interface Steps {
  takeUp(rotationId: string): Promise<TakenUp | null>;
  storeMaterial(material: NewMaterial): Promise<unknown>;
  /** A committed row; null: there is no such DEK of that tenant, or it has no material. */
  loadDek(dek: DekOfTenant): Promise<WrappedDek | null>;
  /** Each by itself: what it closes keeps writers of its tenant waiting until it has committed. */
  switchDek(order: SwitchDek): Promise<Switched>;
  planEdges(rotationId: string): Promise<PlanEdges>;
  /** From minus infinity. */
  cutFirstRanges(order: FirstCuts): Promise<CutRange[]>;
  storeRanges(order: StoreOrder): Promise<OpenRange[] | null>;
  complete(rotationId: string): Promise<CompletedRotation>;
}

interface FirstCuts extends CutOrder {
  readonly edges: readonly PlanEdge[];
}

/** Those of the process, or a rotation's own. */
export function stepsOf(env: Stores & { readonly steps?: Steps | undefined }): Steps {
  return env.steps ?? createSteps(env);
}

interface Stores {
  readonly store: Store;
  readonly sweepStore: Store;
}

export function createSteps({ store, sweepStore }: Stores): Steps {
  return {
    takeUp: together(
      (ids) => takeUpSeveral(store, ids),
      (id) => takeUp(store, id),
    ),
    storeMaterial: together(
      async (all) => {
        await storeMaterials(store, all);
        return all.map(() => true);
      },
      (material) => storeMaterial(store, material).then(() => true),
    ),
    loadDek: together(
      (deks) => loadSeveralDeks(store, deks),
      async (dek) => (await loadSeveralDeks(store, [dek], 'alone'))[0] ?? null,
    ),
    switchDek: (order) => switchDek(store, order),
    planEdges: together(
      (ids) => planEdges(store, ids),
      async (id) => answerOf(await planEdges(store, [id])),
    ),
    cutFirstRanges: together(
      async (orders) => {
        // Of those that know of the same targets, by far the most.
        const alike = orders.filter((order) => targetsOf(order) === targetsOf(orders[0]));
        const cuts = await cutFirstRanges(sweepStore, orders[0]?.edges ?? [], alike);
        return orders.map((order) => cuts[alike.indexOf(order)]);
      },
      (order) => cutRanges(sweepStore, order.edges, order),
    ),
    storeRanges: together(
      (orders) => storeRanges(store, orders),
      async (order) => answerOf(await storeRanges(store, [order], 'alone')),
    ),
    complete: together(
      (ids) => completeOnce(store, ids),
      (id) => completeRotation(store, id),
    ),
  };
}

function targetsOf(order: FirstCuts | undefined): string {
  return `${order?.itemsPerRange} ${order?.isJustSwitched} ${order?.edges.map(({ target }) => target.name).join(' ')}`;
}

function answerOf<Answer>([answer]: readonly Answer[]): Answer {
  if (answer === undefined) throw new Error('a statement for one order has no answer to it');
  return answer;
}
