import { randomBytes, randomUUID } from 'node:crypto';
import type { Queryable } from '@rekey/db';

/** What looks to the database like a ciphertext under a key: the label fits. No key opens it. */
export function sealedLike(keyNumber: number, bytes = 40): Buffer {
  const ciphertext = randomBytes(bytes);
  ciphertext[0] = 1;
  ciphertext.writeInt32BE(keyNumber, 1);
  return ciphertext;
}

/** Writes a secret as an application without our library would; returns its id. */
export async function insertSecret(
  on: Queryable,
  tenantId: string,
  keyNumber: number,
  { id = randomUUID(), ciphertext = sealedLike(keyNumber) }: { id?: string; ciphertext?: Buffer } = {},
): Promise<string> {
  await on.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'raw', $3, $4)`,
    [id, tenantId, keyNumber, ciphertext],
  );
  return id;
}
