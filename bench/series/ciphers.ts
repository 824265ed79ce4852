import { randomUUID } from 'node:crypto';
import {
  type BatchCipher,
  createRecordCipher,
  generateDek,
  importDek,
  openBatchCipher,
} from '@rekey/envelope';
import type { Series } from '../bench.ts';
import { figureOf } from '../stats.ts';

const sizes = [32, 263, 2_048];
const recordsPerBatch = 400;
const batches = 200;

/** What opening and sealing a record costs, without anything around it. */
export const ciphers: Series = {
  name: 'ciphers',
  quick: true,
  async run({ say }) {
    const { cipher, reason } = openBatchCipher('auto');
    const measured = [openBatchCipher('node').cipher, ...(cipher.kind === 'ffi' ? [cipher] : [])];
    return {
      name: 'ciphers',
      title: 'Opening and sealing a record: CPU in µs',
      columns: sizes.map((size) => `${size} B`),
      rows: measured.map((one) => ({
        label: one.kind === 'ffi' ? "OpenSSL's own functions (ffi)" : 'node:crypto',
        cells: Object.fromEntries(
          sizes.map((size) => {
            say(`${one.kind}, ${size} B`);
            return [`${size} B`, figureOf(microseconds(one, size))];
          }),
        ),
      })),
      notes: [
        `Workers here use ${cipher.kind}${reason === null ? '' : ` (${reason})`}. Medians (min–max) of ${batches} batches of ${recordsPerBatch} records in a hot loop.`,
      ],
    };
  },
};

function microseconds(cipher: BatchCipher, size: number): number[] {
  const [from, to] = [importDek(generateDek()), importDek(generateDek())];
  const place = { tenantId: randomUUID(), column: 'secrets.ciphertext' };
  const records = createRecordCipher(place);
  const bytes = size + 33;
  const source = Buffer.concat(
    Array.from({ length: recordsPerBatch }, (_, n) => {
      const id = Buffer.alloc(16, n);
      return Buffer.concat([id, records.seal(from, 1, id, Buffer.alloc(size, n))]);
    }),
  );
  const into = Buffer.alloc(recordsPerBatch * bytes);
  const pass = cipher.begin({ ...place, to, toKeyNumber: 2 });
  const times: number[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    const before = process.cpuUsage();
    for (let n = 0; n < recordsPerBatch; n += 1) {
      const at = n * (16 + bytes);
      if (pass.reencrypt(from, source, at, 16, at + 16, bytes, into, n * bytes) !== 'done')
        throw new Error('a record does not open');
    }
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / recordsPerBatch);
  }
  pass.end();
  return times;
}
