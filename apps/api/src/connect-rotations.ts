import { cancelRotation, findSnapshot, listFailures, type RotationView, startRotation } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Scoreboard } from '@rekey/jobs';
import { checkApiWork, checkSchema } from '@rekey/schema';
import type { Rotations } from './dependencies.ts';

/** The store's functions, bound to one pool. */
export function connectRotations(
  store: Store,
  scoreboard: Pick<Scoreboard<RotationView>, 'publish'>,
): Rotations {
  return {
    start: async (call) => {
      const outcome = await startRotation(store, call);
      if (outcome.kind === 'started') {
        // So that polling begins at Redis. Not waited for: Postgres knows as much.
        void scoreboard.publish({
          rotationId: outcome.view.id,
          tenantId: outcome.view.tenantId,
          version: 0,
          final: false,
          view: outcome.view,
        });
      }
      return outcome;
    },
    find: (rotationId) => findSnapshot(store, rotationId),
    failures: (rotationId, page) => listFailures(store, rotationId, page),
    checkSchema: () => checkSchema(store),
    checkWork: () => checkApiWork(store),
    cancel: async (rotationId, actor) => {
      const outcome = await cancelRotation(store, rotationId, actor);
      if (outcome.kind === 'cancelled') {
        // After the commit: whoever polls must not read an older state from Redis than this caller was told.
        const { version, view } = outcome;
        await scoreboard.publish({ rotationId, tenantId: view.tenantId, version, final: true, view });
      }
      return outcome;
    },
  };
}
