import { shortageMs } from '@rekey/times';
import type { Store } from './open-store.ts';
import { StoreError, translateAll } from './store-error.ts';
import { shortageOf } from './store-pool.ts';

/**
 * Whether Postgres does what work needs, by doing it: runs `statements`, which are to change no row, in a transaction
 * that is rolled back. Found are a standby, a server set to read-only, missing rights and tables. A full disk stops what
 * grows only: it is taken from what the pool's other statements were told in the last seconds. Throws `StoreError`.
 */
export async function probeWrites(store: Store, statements: readonly string[]): Promise<void> {
  try {
    // All in one message, so that it costs one round trip. One that fails takes its connection with it.
    await store.query(['begin', ...statements, 'rollback'].join(';\n'));
  } catch (error) {
    throw translateAll(error);
  }
  const shortage = shortageOf(store, shortageMs);
  if (shortage !== undefined) throw shortage;
}

/** Throws what a missing right is called, in the words of Postgres' own refusal. */
export function missingRight(right: string, table: string): StoreError {
  return new StoreError(
    'ACCESS_DENIED',
    `Postgres refuses access: a right is missing, ${right} on ${table} (42501)`,
    {
      sqlState: '42501',
    },
  );
}
