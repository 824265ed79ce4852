import { findPolicy, listTenants } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Policies } from './dependencies.ts';

/** What is read of policies, bound to one pool. */
export function connectPolicies(store: Store): Policies {
  return {
    standard: async () => {
      const found = await findPolicy(store, null);
      if (found === null) throw new Error('there is always a default policy');
      return found;
    },
    ofTenant: (tenantId) => findPolicy(store, tenantId),
    tenants: (filter, page) => listTenants(store, filter, page),
  };
}
