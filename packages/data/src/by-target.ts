import type { Target } from './targets.ts';

/** What is to be done in one table, and its places among all of it. */
export interface OfTarget<Order> {
  readonly target: Target;
  readonly orders: ReadonlyArray<Order & { readonly place: number }>;
}

/**
 * Orders by what is said of their targets: each rotation loads its own anew, and a table may be two of them. In the same
 * sequence each time, so that connections know few statements that are made of it.
 */
export function byTarget<Order extends { readonly target: Target }>(
  orders: readonly Order[],
): ReadonlyArray<OfTarget<Order>> {
  const found = new Map<string, { target: Target; orders: Array<Order & { readonly place: number }> }>();
  orders.forEach((order, place) => {
    const definition = definitionOf(order.target);
    const own = found.get(definition) ?? { target: order.target, orders: [] };
    own.orders.push({ ...order, place });
    found.set(definition, own);
  });
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, own]) => own);
}

const definitions = new WeakMap<Target, string>();

/** All that is said of a target, beginning with its name. */
export function definitionOf(target: Target): string {
  const known = definitions.get(target);
  if (known !== undefined) return known;
  const { name, ...rest } = target;
  const definition = JSON.stringify([name, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))]);
  definitions.set(target, definition);
  return definition;
}
