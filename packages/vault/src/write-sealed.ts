import { findUnwritten, replaceRecords, type Target, upsertRecords } from '@rekey/data';
import type { Queryable } from '@rekey/db';
import { formatOf } from '@rekey/envelope';
import type { Dek, Usage } from '@rekey/keyring';
import type { OrderedRecord } from './input.ts';
import { VaultError } from './vault-error.ts';

/** With the binary image of its id. */
export interface Imaged extends Omit<OrderedRecord, 'id'> {
  readonly id: Buffer;
}

interface Writing {
  readonly tenantId: string;
  readonly dek: Dek;
  readonly records: readonly Imaged[];
  readonly usage: Pick<Usage, 'time'>;
}

/** What one statement carries: Postgres takes messages and values of up to 1 GB, and holds each several times. */
const statementRecordsMax = 10_000;
const statementBytesMax = 16 << 20;

/** Seals the records and writes them, in as many statements as it takes. */
export async function writeSealed(
  tx: Queryable,
  target: Target,
  { tenantId, dek, records, usage }: Writing,
): Promise<'done' | { kind: 'spelled otherwise'; stored: ReadonlyMap<string, string> }> {
  const cipher = formatOf(target.format).at({ tenantId, column: target.column });
  for (const part of parts(records)) {
    const begun = performance.now();
    const sealed = {
      tenantId,
      keyNumber: dek.keyNumber,
      records: part.map(({ id, value, columns = {} }) => ({
        id,
        ciphertext: cipher.seal(dek.key, dek.keyNumber, id, value),
        columns,
      })),
    };
    usage.time('seal', (performance.now() - begun) / part.length);
    const keepsColumns = part.every(({ columns }) => columns === undefined);
    if (keepsColumns && (await replaceRecords(tx, target, sealed)) === part.length) continue;
    if ((await upsertRecords(tx, target, sealed)) === part.length) continue;
    const unwritten = await findUnwritten(tx, target, sealed);
    if (unwritten.kind === 'taken') {
      throw new VaultError('ID_TAKEN', 'A record with that id belongs to another tenant');
    }
    return { kind: 'spelled otherwise', stored: unwritten.stored };
  }
  return 'done';
}

function* parts(records: readonly Imaged[]): Generator<readonly Imaged[]> {
  let first = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const full = index - first === statementRecordsMax || bytes + record.bytes > statementBytesMax;
    if (full && index > first) {
      yield records.slice(first, index);
      first = index;
      bytes = 0;
    }
    bytes += record.bytes;
  }
  yield records.slice(first);
}
