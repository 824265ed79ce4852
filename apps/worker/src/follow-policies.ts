import { policyRound, renewalRound, scheduleByPolicy } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

interface PolicyDependencies {
  readonly store: Store;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueLost'>;
  readonly logger: Logger;
}

/** Between two rounds, of whichever workers. */
const everyMs = 10_000;
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
  return async () => {
    const round = await policyRound(store, everyMs);
    if (round === null) return;
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
