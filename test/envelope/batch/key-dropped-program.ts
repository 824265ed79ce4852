/** With --expose-gc: keys and memories that nobody refers to any more are collected while a pass goes on. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { setImmediate as otherEvents } from 'node:timers/promises';
import { createRecordCipher, type DekKey, generateDek, importDek } from '@rekey/envelope';
import { createOpenSslBatchCipher } from '../../../packages/envelope/src/batch/openssl-batch.ts';
import { watched } from '../../harness/ciphers.ts';

const watcher = watched();
const cipher = createOpenSslBatchCipher(watcher);
const place = { tenantId: randomUUID(), column: 'secrets.ciphertext' };
const records = createRecordCipher(place);
const id = Buffer.alloc(16, 7);
const to = importDek(generateDek());
const pass = cipher.begin({ ...place, to, toKeyNumber: 2 });
const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('it needs --expose-gc');
const held: WeakRef<DekKey>[] = [];

function one(round: number): void {
  const from = importDek(generateDek());
  held.push(new WeakRef(from));
  const text = Buffer.alloc(300, round);
  const source = Buffer.concat([id, records.seal(from, 1, id, text)]);
  const into = Buffer.alloc(source.length - 16);
  if (pass.reencrypt(from, source, 0, 16, 16, into.length, into, 0) !== 'done') throw new Error('refused');
  if (!records.open(to, id, into).equals(text)) throw new Error('other bytes');
  watcher.memories.length = 0;
}

for (let round = 0; round < 60; round += 1) {
  one(round);
  await otherEvents();
  if (round % 3 === 0) pass.retain(new Set());
  collect();
}
pass.retain(new Set());
await otherEvents();
collect();
const left = held.filter((key) => key.deref() !== undefined).length;
process.stdout.write(`keys ${left}, contexts ${watcher.contexts.size}\n`);
pass.end();
