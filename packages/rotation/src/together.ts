import { setImmediate as endOfTurn } from 'node:timers/promises';
import { StoreError } from '@rekey/db';

interface Waiting<Order, Answer> extends PromiseWithResolvers<Answer> {
  readonly order: Order;
}

/** So many orders share a statement at most: what the first of them holds is held until the last one is done. */
const most = 8;

interface Sharing<Order> {
  /** What a statement waits for before it is sent, if for anything. */
  readonly gate?: (work: () => Promise<void>) => Promise<void>;
  /** How many of those that wait share the next statement, from the first on; at least one. */
  readonly share?: (orders: readonly Order[]) => number;
}

/**
 * Orders of one kind, by one statement for all that came in the same turn of the event loop, or while the one before it was
 * under way; nobody waits for longer in order to be joined. `several` does all of its orders or none, and answers in the same
 * order. Where it fails, each goes by itself, as `one`, and so does what it has no answer for; nobody else waits for that.
 * Behind a gate, those go together that came until it opened.
 */
export function together<Order, Answer>(
  several: (orders: readonly Order[]) => Promise<ReadonlyArray<Answer | undefined>>,
  one: (order: Order) => Promise<Answer>,
  { gate = (work) => work(), share = () => most }: Sharing<Order> = {},
): (order: Order) => Promise<Answer> {
  const waiting: Waiting<Order, Answer>[] = [];
  let isUnderWay = false;

  const next = (): Array<Waiting<Order, Answer>> =>
    waiting.splice(0, Math.max(1, share(waiting.map(({ order }) => order))));

  const settle = async (all: ReadonlyArray<Waiting<Order, Answer>>): Promise<void> => {
    try {
      const answers = await several(all.map(({ order }) => order));
      all.forEach(({ order, resolve, reject }, i) => {
        const answer = answers[i];
        if (answer === undefined) one(order).then(resolve, reject);
        else resolve(answer);
      });
    } catch (error) {
      for (const { order, resolve, reject } of all)
        if (isAway(error)) reject(error);
        else one(order).then(resolve, reject);
    }
  };

  const sendAll = async (): Promise<void> => {
    isUnderWay = true;
    try {
      await endOfTurn();
      while (waiting.length > 0) await gate(() => settle(next()));
    } catch (error) {
      // A gate that does not open: nobody waits before it for good.
      for (const { reject } of waiting.splice(0)) reject(error);
    } finally {
      isUnderWay = false;
    }
  };

  return (order) => {
    const asked = { order, ...Promise.withResolvers<Answer>() };
    waiting.push(asked);
    if (!isUnderWay) void sendAll();
    return asked.promise;
  };
}

/** Postgres itself. What was too long, or more than it had room for, may be neither for each by itself. */
function isAway(error: unknown): boolean {
  if (!(error instanceof StoreError) || error.code !== 'UNAVAILABLE') return false;
  const { sqlState } = error;
  return sqlState === undefined || (/^(08|57)/.test(sqlState) && sqlState !== '57014');
}
