import { openStore as openPool, type PgPool, type StoreOptions } from '@rekey/db';
import {
  allowTenantKeks as allow,
  asKeks,
  type Kek,
  type Keks,
  openKek as openKekByUri,
  parseKekTemplates,
} from '@rekey/kms';
import { asVault, translate } from './translate.ts';

/**
 * Opens the KEK that a URI names, such as `local:/etc/rekey/kek`: the one that the workers have. Throws `VaultError`:
 * `INVALID_VALUE` for a URI that cannot be understood, `UNAVAILABLE` when the KEK cannot be had now, `KEK_SUSPENDED`
 * when it is refused or is not there. Whoever opened it calls `close()`.
 */
export async function openKek(uri: string): Promise<Kek> {
  return asVault(() => openKekByUri(uri));
}

/**
 * The same KEKs, and those that tenants bring: made from `templates` as the workers have them in `TENANT_KEKS`. `addresses`: where
 * these may lead, as `TENANT_KEK_ADDRESSES`. Throws `VaultError` `INVALID_VALUE` for a template that cannot be understood.
 */
export function allowTenantKeks(
  kek: Kek | Keks,
  templates: string,
  addresses: 'public' | 'any' = 'public',
): Keks {
  try {
    return allow(asKeks(kek), { templates: parseKekTemplates(templates, addresses), addresses });
  } catch (error) {
    throw translate(error);
  }
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
