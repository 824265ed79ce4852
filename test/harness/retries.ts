import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  cancelRotation,
  findRotation,
  type RetriedRotation,
  type RotationView,
  retryRotation,
} from '@rekey/control';
import type { Store } from '@rekey/db';

const ada = { kind: 'user', realm: 'staff', id: 'ada', name: 'Ada', email: null };

type Earlier = Pick<RotationView, 'id' | 'tenantId'>;

/** Retries as a call of the API makes them. */
export function retries(store: Store) {
  const retry = ({ id, tenantId }: Earlier): Promise<RetriedRotation> =>
    retryRotation(store, {
      rotationId: randomUUID(),
      earlierId: id,
      tenantId,
      actor: ada,
      reason: 'mended',
      idempotency: null,
    });
  const viewOf = async (rotationId: string): Promise<RotationView> => {
    const view = await findRotation(store, rotationId);
    assert.ok(view !== null);
    return view;
  };
  return {
    retry,
    /** The new rotation, which must have begun. */
    async retried(earlier: Earlier): Promise<RotationView> {
      const outcome = await retry(earlier);
      assert.equal(outcome.kind, 'changed', JSON.stringify(outcome));
      assert.ok('view' in outcome);
      return outcome.view;
    },
    async cancelled(rotationId: string): Promise<RotationView> {
      assert.equal((await cancelRotation(store, rotationId)).kind, 'changed');
      return viewOf(rotationId);
    },
  };
}

/** To rotate, rotated, superseded, failed, remaining. */
export const secretsOf = ({
  itemsToRotate,
  itemsRotated,
  itemsSuperseded,
  itemsFailed,
  itemsRemaining,
}: RotationView) =>
  [itemsToRotate, itemsRotated, itemsSuperseded, itemsFailed, itemsRemaining].map(({ secrets }) => secrets);
