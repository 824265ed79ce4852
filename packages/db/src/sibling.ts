import { Pool } from 'pg';
import type { Store } from './open-store.ts';

/**
 * A small pool beside a given one, to the same server and with the same settings, for what must not queue behind those
 * who hold all of its connections and wait for us. It keeps no process alive. Whoever opened it calls `end()`.
 *
 * @param min connections that stay open once they were needed
 */
export function openSibling(
  store: Store,
  {
    max,
    min,
    onError,
  }: { readonly max: number; readonly min: number; readonly onError: (error: Error) => void },
): Store {
  const { password } = store.options; // not enumerable there
  const sibling = new Pool({
    ...store.options,
    ...(password === undefined ? {} : { password }),
    max,
    min,
    allowExitOnIdle: true,
  });
  // What the other pool does to each of its connections (a role, a setting) holds for these as well.
  for (const prepare of store.listeners('connect')) sibling.on('connect', (client) => prepare(client));
  sibling.on('error', onError);
  return sibling;
}
