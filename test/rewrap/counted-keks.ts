import { roundTripAad } from '@rekey/keyring';
import type { Kek } from '@rekey/kms';

interface CountedKek extends Kek {
  /** The tenants whose DEKs were unwrapped, each time. */
  readonly unwrapped: string[];
}

/** By the tenant in what a wrapped DEK is bound to, as hex. */
export function counted(kek: Kek): CountedKek {
  const unwrapped: string[] = [];
  return {
    ...kek,
    id: kek.id,
    uri: kek.uri,
    unwrapped,
    wrap: (dek, aad) => kek.wrap(dek, aad),
    unwrap(wrapped, aad) {
      if (!aad.equals(roundTripAad)) unwrapped.push(aad.subarray(0, 16).toString('hex'));
      return kek.unwrap(wrapped, aad);
    },
    close: () => kek.close(),
  };
}

/** Of tenants that are not rotated meanwhile: a new DEK has to be unwrapped. */
export function unwrapsOf(keks: Readonly<Record<string, CountedKek>>, rotated: ReadonlySet<string>): number {
  return Object.values(keks).reduce(
    (sum, { unwrapped }) => sum + unwrapped.filter((tenantId) => !rotated.has(tenantId)).length,
    0,
  );
}
