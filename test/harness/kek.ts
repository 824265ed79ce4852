import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roundTripAad } from '@rekey/keyring';
import { createLocalKeyFile, type Kek, KmsError, openKek } from '@rekey/kms';
import { type Owner, thisFile } from './cleanup.ts';

/** A real local KEK that counts its calls and does what a test tells it to before each. */
export interface TestKek extends Kek {
  readonly calls: { wrap: number; unwrap: number };
  /** Awaited before each unwrap; may throw. */
  beforeUnwrap: () => Promise<void>;
  /** Awaited before each wrap; may throw. */
  beforeWrap: () => Promise<void>;
}

export async function testKek(owner: Owner = thisFile): Promise<TestKek> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'kek');
  await createLocalKeyFile(file);
  const real = await openKek(`local:${file}`);
  const kek: TestKek = {
    id: real.id,
    uri: real.uri,
    calls: { wrap: 0, unwrap: 0 },
    beforeUnwrap: async () => {},
    beforeWrap: async () => {},
    async wrap(dek, aad) {
      // What a process does for the register comes when it likes, and is nobody's call.
      if (aad.equals(roundTripAad)) return real.wrap(dek, aad);
      kek.calls.wrap += 1;
      await kek.beforeWrap();
      return real.wrap(dek, aad);
    },
    async unwrap(wrapped, aad) {
      if (aad.equals(roundTripAad)) return real.unwrap(wrapped, aad);
      kek.calls.unwrap += 1;
      await kek.beforeUnwrap();
      return real.unwrap(wrapped, aad);
    },
    close: () => real.close(),
  };
  return kek;
}

/** For `beforeUnwrap` and `beforeWrap`: the KMS cannot be reached. */
export async function kmsAway(): Promise<void> {
  throw new KmsError('UNAVAILABLE', 'the KMS is away');
}

/** A KEK that fails as told before it does what the real one does. */
export function troubledKek(kek: Kek): Kek & { trouble: (() => Error) | null; calls: number } {
  const troubled = {
    id: kek.id,
    uri: kek.uri,
    trouble: null as (() => Error) | null, // set by the test
    calls: 0,
    async wrap(dek: Buffer, aad: Buffer) {
      called(aad);
      return kek.wrap(dek, aad);
    },
    async unwrap(wrapped: Buffer, aad: Buffer) {
      called(aad);
      return kek.unwrap(wrapped, aad);
    },
    close: async () => {},
  };
  /** What a process does for the register comes when it likes, and is nobody's call. */
  const called = (aad: Buffer): void => {
    const { trouble } = troubled;
    if (aad.equals(roundTripAad)) {
      if (trouble !== null) throw new KmsError('UNAVAILABLE', 'the KMS is in trouble');
      return;
    }
    troubled.calls += 1;
    if (trouble !== null) throw trouble();
  };
  return troubled;
}
