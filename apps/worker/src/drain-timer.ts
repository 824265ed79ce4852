import {
  beat,
  drainingTenants,
  drainOlder,
  findHolders,
  findUnfinished,
  type Holder,
  noteDrained,
  rangesToProve,
  type Snapshot,
  type WaitingDetail,
} from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';
import { drainLookEveryMs } from '@rekey/times';

export interface DrainDependencies {
  readonly store: Store;
  /** For what waits: a look for who is in the way takes one of its connections. */
  readonly waitingStore: Store;
  /** So many looks at once. */
  readonly looksMax: number;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueRanges'>;
  readonly publish: (snapshot: Snapshot) => void;
  readonly logger: Logger;
}

/** A look for who is in the way takes 200 ms of two connections: this often for each tenant at most. */
const looksEveryMs = drainLookEveryMs;
/** From then on the operator is told, and again so often. */
const patienceMs = 30_000;
const remindsEveryMs = 60_000;

interface Draining {
  readonly sinceMs: number;
  lookedMs: number;
  toldMs: number;
  holders: readonly Holder[];
}

/**
 * Ends the drains that the jobs left: as soon as the last transaction that began before a switch is over, what waited for
 * it is put into the queue again. Until then it says who is in the way, in the status and, after a while, in the log.
 */
export function createDrainTimer({
  store,
  waitingStore,
  looksMax,
  ticketQueue,
  publish,
  logger,
}: DrainDependencies): () => Promise<void> {
  const draining = new Map<string, Draining>();
  let looking = 0;
  /** Those that have drained, whose rotation could not be told yet: they are found nowhere else. */
  const untold = new Set<string>();
  return async () => {
    const tenants = await drainingTenants(store);
    for (const known of [...draining.keys()]) if (!tenants.includes(known)) draining.delete(known);
    let trouble: unknown;
    for (const tenantId of new Set([...untold, ...tenants])) {
      try {
        await drain(tenantId);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'UNAVAILABLE') throw error; // it is away for the others, too
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
  };

  async function drain(tenantId: string): Promise<void> {
    if (await drainOlder(store, tenantId)) {
      draining.delete(tenantId);
      untold.add(tenantId);
      const rotationId = await noteDrained(store, tenantId);
      if (rotationId !== null) logger.info('rotation drained', { rotationId, tenantId });
      const ranges = await rangesToProve(store, tenantId);
      if (ranges.length > 0) await ticketQueue.enqueueRanges(ranges);
      untold.delete(tenantId);
      return;
    }
    const nowMs = performance.now();
    const state = draining.get(tenantId) ?? {
      sinceMs: nowMs,
      lookedMs: -looksEveryMs,
      toldMs: 0,
      holders: [],
    };
    draining.set(tenantId, state);
    // Not waited for: other tenants' drains must not wait for a look at this one.
    if (nowMs - state.lookedMs >= looksEveryMs && looking < looksMax) {
      state.lookedMs = nowMs;
      looking += 1;
      look(tenantId, state)
        .catch((error: unknown) =>
          logger.debug('a look at who holds an older DEK failed', { tenantId, error }),
        )
        .finally(() => {
          looking -= 1;
        });
    }
  }

  async function look(tenantId: string, state: Draining): Promise<void> {
    const found = await findHolders(waitingStore, tenantId, store);
    if (found.length > 0) state.holders = found.map((holder) => asSeenBefore(holder, state.holders));
    const running = await findUnfinished(store, tenantId);
    const rotationId = running?.id ?? null;
    const isWaiting = rotationId !== null && (await rangesToProve(store, tenantId)).length > 0;
    if (rotationId !== null && isWaiting) {
      const snapshot = await beat(
        store,
        rotationId,
        'lock',
        detailOf(state.holders, running?.compromise === true),
      );
      if (snapshot !== null) publish(snapshot);
    }
    const nowMs = performance.now();
    if (nowMs - state.sinceMs < patienceMs || (state.toldMs > 0 && nowMs - state.toldMs < remindsEveryMs))
      return;
    state.toldMs = nowMs;
    logger.warn('an older DEK is still held by a transaction that began before the switch', {
      tenantId,
      ...(rotationId === null ? {} : { rotationId }),
      waitingFor: 'lock',
      holders: state.holders
        .map(
          ({ pid, gid, applicationName, since }) =>
            `${pid ?? `prepared ${gid}`} ${applicationName ?? ''} since ${since}`,
        )
        .join('; '),
    });
  }
}

/** Where its beginning cannot be seen, it is at least as old as the first sight of it. */
function asSeenBefore(holder: Holder, before: readonly Holder[]): Holder {
  if (holder.sinceIsExact) return holder;
  const known = before.find(({ pid, gid }) => pid === holder.pid && gid === holder.gid);
  return { ...holder, since: known?.since ?? new Date().toISOString() };
}

function detailOf(holders: readonly Holder[], compromise: boolean): WaitingDetail {
  const since =
    holders
      .map((holder) => holder.since)
      .filter((at) => at !== null)
      .sort()[0] ?? null;
  return {
    what: 'transactions that wrote for this tenant before the switch are still open, so records may still be written under an older key',
    since,
    todo: compromise
      ? 'sessions that hold the compromised key are ended within seconds; a prepared transaction has to be rolled back or committed by hand, and one that may not be ended (the log says so) too: select pg_terminate_backend(pid)'
      : 'let them end; if one was forgotten, end it: select pg_terminate_backend(pid), or rollback prepared for a prepared one',
    holders,
  };
}
