import { createRecordCipher, dekCheck, dekWrapAad, generateDek } from '@rekey/envelope';
import type { Kek } from '@rekey/kms';
import type { Dek } from './held-deks.ts';

export interface NewDek {
  readonly dekId: string;
  readonly kekId: string;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** By what its bytes are recognised once they were unwrapped. */
  readonly check: Buffer;
}

/**
 * Makes the bytes of a DEK, wraps them, and forgets them: zeroed before this returns or throws. Nobody, not even
 * the caller, can seal under them before they are stored and unwrapped from the stored row.
 */
export async function makeDek(
  kek: Pick<Kek, 'id' | 'uri' | 'wrap'>,
  tenantId: string,
  dekId: string,
): Promise<NewDek> {
  const bytes = generateDek();
  try {
    const check = dekCheck(bytes, tenantId, dekId);
    const wrapped = await kek.wrap(bytes, dekWrapAad(tenantId, dekId));
    return { dekId, kekId: kek.id, kekUri: kek.uri, wrapped, check };
  } finally {
    bytes.fill(0);
  }
}

const probe = Buffer.from('a DEK is tried before anything is sealed under it');
const probeId = Buffer.alloc(16);

/** Whether a seal under this DEK opens again. */
export function tryDek(tenantId: string, { key, keyNumber }: Dek): boolean {
  const cipher = createRecordCipher({ tenantId, column: 'rekey.probe' });
  const sealed = cipher.seal(key, keyNumber, probeId, probe);
  return cipher.open(key, probeId, sealed).equals(probe);
}
