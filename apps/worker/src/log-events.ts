import type { RotationEvent } from '@rekey/rotation';
import { type Logger, logRotationEnd } from '@rekey/runtime';

/** The way of each rotation, a line for each step. */
export function logEvents(logger: Logger): (event: RotationEvent) => void {
  return (event) => {
    if (event.kind === 'completed') {
      const { view } = event;
      const status = view.status === 'completed' ? 'completed' : 'completed_with_failures';
      logRotationEnd(logger, { ...view, rotationId: view.id, status });
      return;
    }
    const { rotationId, tenantId } = event;
    if (event.kind === 'locked') {
      logger.warn('rotation waits for locked records', {
        rotationId,
        tenantId,
        waitingFor: 'lock',
        reason: 'records are locked by other transactions',
        target: event.target,
        items: event.items,
        ms: event.forMs,
      });
      return;
    }
    logger.info(`rotation ${event.kind}`, { rotationId, tenantId });
  };
}
