import type { Keyring } from '@rekey/keyring';
import type { SealBudget } from './seal-budget.ts';

/** Fetches a tenant's next DEK, and seals of it if this process writes for the tenant, so that a put finds both at hand. */
export function createFetchAhead({
  keyring,
  budget,
  onError,
}: {
  readonly keyring: Keyring;
  readonly budget: SealBudget;
  readonly onError: (error: Error) => void;
}): (tenantId: string) => void {
  // Whether another call came while a fetch is under way: that one may have looked before there was anything.
  const fetching = new Map<string, boolean>();

  const fetch = async (tenantId: string): Promise<void> => {
    const deks = await keyring.fetchAhead(tenantId);
    if (!budget.sealsFor(tenantId)) return;
    for (const { id: dekId, materialId } of deks) await budget.prepare({ tenantId, dekId, materialId });
  };

  const fetchAhead = (tenantId: string): void => {
    const underWay = fetching.has(tenantId);
    fetching.set(tenantId, underWay);
    if (underWay) return;
    fetch(tenantId)
      .catch(onError)
      .finally(() => {
        const again = fetching.get(tenantId);
        fetching.delete(tenantId);
        if (again === true) fetchAhead(tenantId);
      });
  };
  return fetchAhead;
}
