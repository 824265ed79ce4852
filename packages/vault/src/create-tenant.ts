import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { insertTenant, loadDeks } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { type Keyring, makeDek, type NewDek } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import { checkedTenant } from './input.ts';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

/** How long a first rotation that is under way is waited for: a worker that is there takes less than a second. */
const rotationMs = 3_000;
const lookEveryMs = 100;

export async function createTenant(
  { store, keks, keyring }: { readonly store: Queryable; readonly keks: Keks; readonly keyring: Keyring },
  given: { readonly tenantId: string; readonly name: string },
): Promise<void> {
  return asVault(async () => {
    const tenantId = checkedTenant(given.tenantId);
    const name = checkedName(given.name);
    const until = performance.now() + rotationMs;
    let dek: NewDek | undefined;
    for (;;) {
      // Called at every start of an application: with the DEK there, no KMS is needed.
      if ((await loadDeks(store, tenantId, { state: 'active' })).length > 0) return;
      dek ??= await makeFirst(keks, keyring, tenantId);
      const inserted = await insertTenant(store, { tenantId, name, ...dek });
      if (inserted.kind === 'ready') return;
      if (performance.now() > until) {
        throw new VaultError('NO_ACTIVE_KEY', 'The first rotation of the tenant is about to give it a DEK');
      }
      await sleep(lookEveryMs);
    }
  });
}

/** What was wrapped under another KEK than the workers' could be opened by this process alone. */
async function makeFirst(keks: Keks, keyring: Keyring, tenantId: string): Promise<NewDek> {
  const dekId = randomUUID();
  await keyring.needRightKek(dekId);
  return makeDek(await keks.forTenant(tenantId), tenantId, dekId);
}

/** Of 1 to 200 characters, as Postgres counts them. */
function checkedName(name: unknown): string {
  if (typeof name === 'string' && name.isWellFormed() && !name.includes('\0')) {
    const characters = [...name].length;
    if (characters >= 1 && characters <= 200) return name;
  }
  throw new VaultError('INVALID_VALUE', "A tenant's name has 1 to 200 characters");
}
