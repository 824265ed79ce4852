import { Client, type ClientConfig } from 'pg';
import { beside } from './closed.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import { within } from './inside.ts';
import { ownTypes } from './own-types.ts';
import type { Attempt } from './route.ts';

/** What is between us and Postgres: a pooler that keeps a session for a connection, or for each transaction one. */
export type Pooling = 'session' | 'transaction';

const rounds = 6;
const patienceMs = 1_000;

/**
 * Tells the two apart by setting nothing. Two connections that take turns, each with a transaction at a time, are on
 * two backends that stay the same where sessions are kept; where they are not, the one gets what the other has given
 * back, or, where backends are taken in turn, soon another. Asked once for all connections; a session that changes
 * later is found when it is renewed.
 */
export function createPoolingCheck(
  config: ClientConfig,
  budget: ConnectionBudget,
): (attempt: Attempt, ask: () => Promise<number>) => Promise<Pooling> {
  let found: Promise<Pooling> | undefined;
  return (attempt, ask) => {
    if (found === undefined) {
      const begun = compare(budget, new Client({ ...config, ...attempt }), ask);
      found = begun;
      begun.catch(() => {
        if (found === begun) found = undefined;
      });
    }
    return found;
  };
}

async function compare(
  budget: ConnectionBudget,
  other: Client,
  ask: () => Promise<number>,
): Promise<Pooling> {
  const first = await ask();
  return beside(budget, other, async () => {
    const askOther = async (): Promise<number | undefined> => {
      const asked = other.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid', types: ownTypes });
      const { rows } = await within(patienceMs, other, asked);
      return rows[0]?.pid;
    };
    const second = await askOther().catch(() => undefined);
    // Nothing is left for the other although the first has nothing under way: its session is kept for it.
    if (second === undefined) return 'session';
    for (let round = 0; round < rounds; round += 1) {
      const [one, two] = round % 3 === 2 ? [first, await askOther()] : [await ask(), await askOther()];
      if (one === two || one !== first || two !== second) return 'transaction';
    }
    return 'session';
  });
}
