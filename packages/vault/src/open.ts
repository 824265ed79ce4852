import { openStore as openPool, type PgPool, type StoreOptions } from '@rekey/db';
import { type Kek, openKek as openKekByUri } from '@rekey/kms';
import { asVault, translate } from './translate.ts';

/**
 * Opens the KEK that a URI names, such as `local:/etc/rekey/kek`: the one that the workers have. Throws `VaultError`:
 * `INVALID_VALUE` for a URI that cannot be understood, `UNAVAILABLE` when the KEK cannot be had. Whoever opened it calls
 * `close()`.
 */
export async function openKek(uri: string): Promise<Kek> {
  return asVault(() => openKekByUri(uri));
}

/**
 * A pool of connections that are prepared and looked after as Rekey's own are: hosts tried in turn until one takes writes,
 * sessions that are what they were, the silent cut. Connects when first used. Throws `VaultError` `REFUSED` for a
 * malformed URL. Whoever opened it calls `end()`.
 */
export function openStore(options: StoreOptions): PgPool & { end(): Promise<void> } {
  try {
    return openPool(options);
  } catch (error) {
    throw translate(error);
  }
}
