import { rows, type Store } from '@rekey/db';
import { askWhileWaiting } from './ask-while-waiting.ts';
import type { Holder } from './rotation-view.ts';

/** Who holds an older DEK of the tenant. Nobody: it has drained meanwhile, or they change too fast to be seen. */
export function findHolders(store: Store, tenantId: string, asking: Store = store): Promise<Holder[]> {
  const wait = { text: 'select rekey.wait_for_drain($1)', values: [tenantId] };
  return askWhileWaiting(store, wait, (pid) => blockersOf(asking, pid));
}

async function blockersOf(store: Store, pid: number): Promise<Holder[]> {
  const found = await rows<{
    pid: number | null;
    gid: string | null;
    application_name: string | null;
    began: Date | null;
  }>(store, 'select pid, gid, application_name, began from rekey.blockers_of($1)', [pid]);
  return found.map((holder) => ({
    pid: holder.pid,
    gid: holder.gid,
    applicationName: holder.application_name,
    since: holder.began?.toISOString() ?? null,
    sinceIsExact: holder.began !== null,
  }));
}
