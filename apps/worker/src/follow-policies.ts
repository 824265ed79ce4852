import { policyRound, renewalRound, scheduleByPolicy } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

interface PolicyDependencies {
  readonly store: Store;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueLost'>;
  readonly logger: Logger;
}

/** From one round to the next, of whichever workers. */
const everyMs = 10_000;
/**
 * And for whoever has begun some within that time: small ones take a second, so a fleet whose time has come at once would mostly wait
 * for the next round. Nine tenths of the time nobody reads how all keys stand.
 */
const soonerMs = { least: 1_000, times: 10 } as const;
/** In one round: for each its records are counted. */
const destructionsAtOnce = 5;

/**
 * Begins what policies ask for. A ticket that is lost with its worker, after the commit, is put back by recovery like that of any
 * other call.
 */
export function createFollowPolicies({
  store,
  ticketQueue,
  logger,
}: PolicyDependencies): () => Promise<void> {
  let begunAtMs = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  let restAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const nowMs = performance.now();
    const isBusy = nowMs - begunAtMs < everyMs;
    const sooner = Math.ceil(Math.max(soonerMs.least, soonerMs.times * tookMs));
    const round = await policyRound(store, isBusy ? Math.min(sooner, everyMs) : everyMs);
    if (round === null) return;
    tookMs = performance.now() - nowMs;
    if (round.begun.length > 0) begunAtMs = nowMs;
    for (const { policyVersion: _, ...rotation } of round.begun)
      logger.info('rotation begun by its policy', rotation);
    for (const { dekId, level, tenantId } of round.told)
      logger.warn(
        level === 'overdue'
          ? 'a key is overdue by its policy, and not rotated yet'
          : 'a key needs somebody: tries to rotate it fail, or records are left on an older one',
        { tenantId, keyId: `dek-${dekId}` },
      );
    if (round.begun.length > 0)
      await ticketQueue.enqueueLost(
        round.begun.map(({ rotationId, tenantId }) => ({ rotationId, tenantId, compromise: false })),
      );
    if (nowMs - restAtMs < everyMs) return;
    restAtMs = nowMs;
    const renewals = await renewalRound(store);
    for (const { policyVersion: _, ...rewrap } of renewals?.begun ?? [])
      logger.info('rewrap begun by its policy', rewrap);
    for (const { dekId, level, tenantId } of renewals?.told ?? [])
      logger.warn(
        level === 'overdue'
          ? 'the wrapping of a key is overdue by its policy, and not made anew yet'
          : 'the wrapping of a key needs somebody: tries to make it anew fail',
        { tenantId, keyId: `dek-${dekId}` },
      );
    for (let n = 0; n < destructionsAtOnce; n += 1) {
      const tried = await scheduleByPolicy(store);
      if (tried === null) break;
      const { tenantId, dekId, isAsked } = tried;
      if (isAsked)
        logger.info('the destruction of a key is asked for by its policy', {
          tenantId,
          keyId: `dek-${dekId}`,
        });
    }
  };
}
