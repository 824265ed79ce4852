import { randomUUID } from 'node:crypto';
import { dekWrapAad } from '@rekey/envelope';
import { type Kek, openKek } from '@rekey/kms';
import type { Owner } from './cleanup.ts';
import { type SoftHsm, startSoftHsm } from './softhsm.ts';

export const [tenantId, dekId] = [randomUUID(), randomUUID()];
export const aad = dekWrapAad(tenantId, dekId);

/** A token of its own with one key, opened in this process: AES, or an RSA pair. */
export async function openedInToken(
  owner: Owner,
  type: 'aes' | 'rsa',
): Promise<{ readonly hsm: SoftHsm; readonly kek: Kek }> {
  const hsm = await startSoftHsm(owner);
  Object.assign(process.env, hsm.env);
  await (type === 'aes' ? hsm.newKey() : hsm.newRsaKey());
  const kek = await openKek(type === 'aes' ? hsm.uri() : hsm.rsaUri());
  owner.after(() => kek.close());
  return { hsm, kek };
}
