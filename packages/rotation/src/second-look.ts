import { createReplacements, readAnew, type SetAside, type SetAsideReason } from '@rekey/data';
import { type Format, formatOf } from '@rekey/envelope';
import type { Dek } from '@rekey/keyring';
import { orReason, type Reencrypted, reencryptOne } from './reencrypt-window.ts';
import type { Sweep } from './sweep.ts';

/**
 * What did not open is looked at once more before it is named: the record is read again, and so is the row of the DEK that
 * it names, once in a pass. What went wrong may have been on our side: a DEK held from before a restore, bytes that
 * changed on their way.
 */
export interface SecondLook {
  /** Null when everything stands as it was found. */
  at(setAside: readonly SetAside[]): Promise<Reencrypted | null>;
}

/** By `node:crypto`, whatever found it. */
export function createSecondLook({
  env,
  rotation,
  target,
  newDek,
}: Pick<Sweep, 'env' | 'rotation' | 'target' | 'newDek'>): SecondLook {
  const { tenantId, newKeyNumber } = rotation;
  const format: Format = formatOf(target.format);
  const { identityBytes } = format;
  const cipher = format.at({ tenantId, column: target.column });
  const deks = new Map<number, Dek | SetAsideReason>();
  return {
    async at(setAside) {
      const doubtful = setAside.filter(({ reason }) => reason !== 'TOO_LARGE');
      if (doubtful.length === 0) return null;
      const ids = doubtful.map(({ id }) => id);
      const records = await readAnew(env.sweepStore, target, { tenantId, newKeyNumber, identityBytes }, ids);
      for (const { ciphertext } of records) {
        const number = format.keyOf(ciphertext, 0, ciphertext.length);
        if (number !== null && !deks.has(number))
          deks.set(number, await orReason(() => env.keyring.refresh(tenantId, number)));
      }
      const replacements = createReplacements(target, { identityBytes, items: records.length, bytes: 0 });
      const left = setAside.filter(({ reason }) => reason === 'TOO_LARGE');
      for (const record of records) {
        const refused = reencryptOne({ format, cipher }, replacements, record, deks, newDek);
        if (refused !== null) left.push(refused);
      }
      return { replacements, setAside: left };
    },
  };
}
