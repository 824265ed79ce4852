import { setTimeout as sleep } from 'node:timers/promises';
import { type Kek, KmsError } from '@rekey/kms';
import type { KmsMode } from './control.ts';

/** The application's KEK: does what the real one does, unless it is told to be in trouble. */
export interface AppKek extends Kek {
  set(mode: KmsMode, ms: number): void;
  troubled(): number;
}

export function troublesomeKek(real: Kek): AppKek {
  let now: { mode: KmsMode; ms: number } = { mode: 'ok', ms: 0 };
  let count = 0;
  const trouble = async (): Promise<void> => {
    const { mode, ms } = now;
    if (mode === 'ok') return;
    count += 1;
    if (mode !== 'failing') await sleep(ms);
    if (mode !== 'slow') throw new KmsError('UNAVAILABLE', 'the KMS is away');
  };
  return {
    id: real.id,
    uri: real.uri,
    async wrap(dek, aad) {
      await trouble();
      return real.wrap(dek, aad);
    },
    async unwrap(wrapped, aad) {
      await trouble();
      return real.unwrap(wrapped, aad);
    },
    close: () => real.close(),
    set(mode, ms) {
      now = { mode, ms };
    },
    troubled: () => count,
  };
}
