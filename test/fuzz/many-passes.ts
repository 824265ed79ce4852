import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createRecordCipher, generateDek, importDek } from '@rekey/envelope';
import { createOpenSslBatchCipher } from '../../packages/envelope/src/batch/openssl-batch.ts';
import { needOpenSsl } from '../harness/ciphers.ts';

/** As many as a window of small records has. */
const passRecords = 6_400;

/**
 * Re-encrypts so many records of 263 B in one process, in passes as a worker makes them: with keys of its own each, so that contexts
 * come and go by the ten thousand. What is left behind by any of them shows in the memory of the process.
 */
export function reencryptInPasses(records: number, onPass: (done: number) => void): void {
  const cipher = createOpenSslBatchCipher(needOpenSsl());
  const id = Buffer.alloc(16, 7);
  for (let done = 0; done < records; ) {
    const [from, to] = [importDek(generateDek()), importDek(generateDek())];
    const place = { tenantId: randomUUID(), column: 'secrets.ciphertext' };
    const source = Buffer.concat([id, createRecordCipher(place).seal(from, 1, id, Buffer.alloc(230, 1))]);
    const into = Buffer.alloc(source.length);
    const pass = cipher.begin({ ...place, to, toKeyNumber: 2 });
    try {
      for (let n = 0; n < passRecords && done < records; n += 1, done += 1) {
        const outcome = pass.reencrypt(from, source, 0, 16, 16, source.length - 16, into, 0);
        if (outcome !== 'done') throw new Error(`record ${done}: ${outcome}`);
      }
    } finally {
      pass.end();
    }
    onPass(done);
  }
}
