import { createHmac, randomBytes } from 'node:crypto';
import type { ItemCounts, ItemType } from '@rekey/contract';

/** The demo tenant of the contract. */
export const tenantId = '3fa85f64-5717-4562-b3fc-2c963f66afa6';

export type TargetName = 'credentials' | 'api_keys' | 'secrets';

/** The three tables, in the order in which they are seeded, shown and proved. */
export const targets: ReadonlyArray<{ target: TargetName; itemType: ItemType; label: string; one: string }> =
  [
    { target: 'credentials', itemType: 'credentials', label: 'credentials', one: 'Credential' },
    { target: 'api_keys', itemType: 'apiKeys', label: 'API keys', one: 'API key' },
    { target: 'secrets', itemType: 'secrets', label: 'secrets', one: 'Secret' },
  ];

export const recordsDefault = 85;

/** 5 : 2 : 10, as the 85 of the contract; what does not divide goes to the secrets. */
export function proportions(records: number): ItemCounts {
  const unit = Math.floor(records / 17);
  return { credentials: 5 * unit, apiKeys: 2 * unit, secrets: records - 7 * unit };
}

export function totalOf(counts: ItemCounts): number {
  return counts.credentials + counts.apiKeys + counts.secrets;
}

/** Where the record with that number stands. */
interface Place {
  readonly target: TargetName;
  readonly id: string;
  readonly columns: Readonly<Record<string, string>>;
}

/**
 * The records of one run, numbered from 0. Ids and values follow from a secret of the run, so that a million of them
 * need no memory: whoever proves them computes them again.
 */
export interface RecordSet {
  readonly counts: ItemCounts;
  readonly total: number;
  place(number: number): Place;
  /** What the record holds after its `version`-th overwriting; 0: as seeded. */
  value(number: number, version: number): Buffer;
}

export function createRecordSet(counts: ItemCounts, secret: Buffer = randomBytes(32)): RecordSet {
  const digest = (text: string): Buffer => createHmac('sha512', secret).update(text).digest();
  return {
    counts,
    total: totalOf(counts),
    place(number) {
      let ordinal = number;
      for (const { target, itemType, one } of targets) {
        if (ordinal < counts[itemType]) {
          const name = `${one} ${ordinal + 1}`;
          const columns = target === 'credentials' ? { name, username: `user-${ordinal + 1}` } : { name };
          return { target, id: uuidFrom(digest(`id ${number}`)), columns };
        }
        ordinal -= counts[itemType];
      }
      throw new RangeError(`There is no record ${number}: there are ${totalOf(counts)}`);
    },
    value: (number, version) => Buffer.from(digest(`value ${number} ${version}`).toString('base64url')),
  };
}

/** Random ids are what applications have, and what keeps neighbouring updates on different pages. */
function uuidFrom(bytes: Buffer): string {
  const image = Buffer.from(bytes.subarray(0, 16));
  image[6] = (image.readUInt8(6) & 0x0f) | 0x40;
  image[8] = (image.readUInt8(8) & 0x3f) | 0x80;
  const hex = image.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
