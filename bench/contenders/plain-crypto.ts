import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { openStore } from '@rekey/db';
import { recordIdBytes, uuidBytes } from '@rekey/envelope';
import { createKeyring } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { benchTarget } from '../rig/dataset.ts';
import type { Task } from './contender.ts';

/** Opens under the tenant's key and seals under a new one, written as applications write it with node:crypto. */
export type Reencrypt = (id: string, ciphertext: Buffer) => Buffer;

export async function plainCrypto({ rig, databaseUrl, dataset }: Task): Promise<Reencrypt> {
  const from = await tenantKey(databaseUrl, rig.kek, dataset.tenantId);
  const to = createSecretKey(randomBytes(32));
  const idType = dataset.idKind === 'bigint' ? 'bigint' : 'uuid';
  const column = Buffer.from(`${benchTarget}.ciphertext`);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(column.length);
  const place = Buffer.concat([uuidBytes(dataset.tenantId), length, column]);
  return (id, ciphertext) =>
    reencrypt(ciphertext, Buffer.concat([place, recordIdBytes(idType, id)]), from, to);
}

// docs/ciphertext-format.md: header (5) ‖ IV (12) ‖ ciphertext ‖ tag (16)
function reencrypt(sealed: Buffer, aad: Buffer, from: KeyObject, to: KeyObject): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', from, sealed.subarray(5, 17));
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  const plaintext = Buffer.concat([decipher.update(sealed.subarray(17, -16)), decipher.final()]);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', to, iv);
  cipher.setAAD(aad);
  const header = Buffer.from(sealed.subarray(0, 5));
  header.writeUInt32BE(header.readUInt32BE(1) + 1, 1);
  return Buffer.concat([header, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

async function tenantKey(url: string, kek: Task['rig']['kek'], tenantId: string): Promise<KeyObject> {
  const store = openStore({ url, max: 1, onError: () => {} });
  try {
    const dek = await createKeyring({ store, keks: asKeks(kek) }).byNumber(tenantId, 1);
    if (dek === null) throw new Error('the tenant has no DEK number 1');
    return dek.key;
  } finally {
    await store.end();
  }
}
