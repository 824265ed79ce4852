import type { RangeId } from '@rekey/data';
import { prepared, type Queryable, rows } from '@rekey/db';

/**
 * Closes the locks of every DEK of the tenant that is not active any more and that no transaction holds. Waits for
 * nobody. True: none is open any more, so no record can be written under an older DEK from here on.
 */
export async function drainOlder(on: Queryable, tenantId: string): Promise<boolean> {
  const [answer] = await prepared<{ drained: boolean }>(on, 'select rekey.drain_older($1) as drained', [
    tenantId,
  ]);
  return answer?.drained === true;
}

/** Tells the tenant's unfinished rotation that it has drained, for whoever watches it; its id if it was not told before. */
export async function noteDrained(on: Queryable, tenantId: string): Promise<string | null> {
  const [told] = await prepared<{ id: string }>(on, 'select id from rekey.note_drained($1) id', [tenantId]);
  return told?.id ?? null;
}

/** Tenants with DEKs that drain, some of them at random where there are many. */
export async function drainingTenants(on: Queryable, limit = 200): Promise<string[]> {
  const found = await rows<{ tenant_id: string }>(
    on,
    'select tenant_id from (select distinct tenant_id from rekey.dek_drains) d order by random() limit $1',
    [limit],
  );
  return found.map(({ tenant_id }) => tenant_id);
}

/** The ranges of the tenant's running rotation that were swept and waited for the drain: they can be proved now. */
export async function rangesToProve(
  on: Queryable,
  tenantId: string,
): Promise<Array<RangeId & { readonly compromise: boolean }>> {
  const found = await rows<{ rotation_id: string; target: string; ordinal: number; compromise: boolean }>(
    on,
    `select g.rotation_id, g.target, g.ordinal, r.compromise
     from rekey.rotations r join rekey.rotation_ranges g on g.rotation_id = r.id
     where r.tenant_id = $1 and r.status = 'in_progress' and g.proved_at is null and g.swept and g.owner is null
     order by g.ordinal`,
    [tenantId],
  );
  return found.map(({ rotation_id: rotationId, ...range }) => ({ rotationId, ...range }));
}
