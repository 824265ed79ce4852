import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as endOfTurn, setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@rekey/db';
import { together } from '../../packages/rotation/src/together.ts';

/** Answers an order with its tenfold, after `ms`; what `several` was given, call by call. */
function tenfold(ms = 5, fails: (orders: readonly number[]) => Error | null = () => null) {
  const [calls, alone]: [number[][], number[]] = [[], []];
  const ask = together(
    async (orders: readonly number[]) => {
      calls.push([...orders]);
      await sleep(ms);
      const error = fails(orders);
      if (error !== null) throw error;
      return orders.map((order) => (order < 0 ? undefined : 10 * order));
    },
    async (order) => {
      alone.push(order);
      if (fails([order]) !== null) throw new Error(`${order} by itself`);
      return 10 * order;
    },
  );
  return { ask, calls, alone };
}

test('those of one turn go together, and those that come meanwhile, in their order', async () => {
  const { ask, calls, alone } = tenfold();
  const asked = [1, 2].map((order) => ask(order));
  void Promise.resolve().then(() => asked.push(ask(3))); // in the same turn still
  await endOfTurn();
  assert.deepEqual(calls, [[1, 2, 3]]);
  asked.push(ask(4), ask(5));
  assert.deepEqual(await Promise.all(asked), [10, 20, 30, 40, 50]);
  assert.deepEqual(calls, [
    [1, 2, 3],
    [4, 5],
  ]);
  assert.equal(await ask(6), 60);
  assert.deepEqual(calls.at(-1), [6]);
  assert.deepEqual(alone, []);
});

test('no more than eight go together', async () => {
  const { ask, calls } = tenfold();
  await Promise.all(Array.from({ length: 18 }, (_, i) => ask(i)));
  assert.deepEqual(
    calls.map(({ length }) => length),
    [8, 8, 2],
  );
});

test('where they fail together each goes by itself, and only whose own fault it is fails', async () => {
  const { ask, calls, alone } = tenfold(5, (orders) => (orders.includes(3) ? new Error('refused') : null));
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map((order) => ask(order)));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)),
    [10, 20, '3 by itself', 40],
  );
  assert.deepEqual([calls, alone], [[[1, 2, 3, 4]], [1, 2, 3, 4]]);
});

test('one without an answer goes by itself, and keeps nobody waiting', async () => {
  const { ask, alone } = tenfold();
  assert.deepEqual(await Promise.all([ask(1), ask(-2), ask(3)]), [10, -20, 30]);
  assert.deepEqual(alone, [-2]);
});

test('while the database is away nothing is sent again: each is told', async () => {
  const { ask, alone } = tenfold(5, () => new StoreError('UNAVAILABLE', 'away'));
  const outcomes = await Promise.allSettled([1, 2, 3].map((order) => ask(order)));
  for (const outcome of outcomes)
    assert.ok(outcome.status === 'rejected' && outcome.reason.code === 'UNAVAILABLE');
  assert.deepEqual(alone, []);
});

test('behind a gate those go together that came until it opened', async () => {
  const gate = Promise.withResolvers<void>();
  const calls: number[][] = [];
  const ask = together(
    async (orders: readonly number[]) => {
      calls.push([...orders]);
      return orders;
    },
    async (order) => order,
    {
      gate: async (work) => {
        await gate.promise;
        await work();
      },
    },
  );
  const first = ask(1);
  await sleep(1);
  const second = ask(2);
  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  assert.deepEqual(calls, [[1, 2]]);
});
