import { deleteRecord } from '@rekey/data';
import type { Queryable } from '@rekey/db';
import { checkedTenant, idImage } from './input.ts';
import type { KnownTargets } from './known-targets.ts';
import { oneAtATime } from './transactions.ts';
import { asVault } from './translate.ts';
import type { RecordRef } from './types.ts';
import { VaultError } from './vault-error.ts';

/** Without a transaction of the caller's a delete that met a concurrent one is tried again. */
const attemptsMax = 8;

export function createDelete({
  store,
  targets,
}: {
  readonly store: Queryable;
  readonly targets: KnownTargets;
}): (record: RecordRef) => Promise<boolean> {
  const once = async ({ target: name, tenantId, id, client }: RecordRef): Promise<boolean> => {
    const target = await targets.named(name);
    idImage(target, id);
    return asVault(() => deleteRecord(client ?? store, target, { tenantId, id }));
  };

  return (record) =>
    asVault(async () => {
      const given = { ...record, tenantId: checkedTenant(record.tenantId) };
      return oneAtATime(given.client, async () => {
        for (let tries = 1; ; tries += 1) {
          try {
            return await targets.lookingAgain(given.client, () => once(given));
          } catch (error) {
            const conflicts = error instanceof VaultError && error.code === 'RETRY';
            if (!conflicts || given.client !== undefined || tries === attemptsMax) throw error;
          }
        }
      });
    });
}
