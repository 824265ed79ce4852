/** With --expose-gc: how often the bytes of a DEK stand in this process' memory while it is held, and after it was dropped. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '@rekey/db';
import { createKeyring } from '@rekey/keyring';
import { asKeks, openKek } from '@rekey/kms';

const collect = (globalThis as { gc?: () => void }).gc;
const [url = '', kekUri = '', tenantId = '', masked = ''] = process.argv.slice(2);
if (collect === undefined) throw new Error('it needs --expose-gc');

/** The bytes looked for stand here only with each bit turned. */
const wanted = Buffer.from(masked, 'hex');
const isAt = (memory: Buffer, at: number): boolean => {
  for (let i = 0; i < wanted.length; i += 1)
    if ((memory[at + i] ?? 0) !== 255 - (wanted[i] ?? 0)) return false;
  return true;
};

function timesInMemory(): number {
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
  const memory = openSync('/proc/self/mem', 'r');
  const part = Buffer.alloc(1 << 20);
  const first = 255 - (wanted[0] ?? 0);
  let times = 0;
  for (const line of maps) {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    const [begin, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
    for (let at = begin; at < end; at += part.length - wanted.length) {
      let read = 0;
      try {
        read = readSync(memory, part, 0, Math.min(part.length, end - at), at);
      } catch {
        break; // not to be read, or gone meanwhile
      }
      for (let i = part.indexOf(first); i >= 0 && i <= read - wanted.length; i = part.indexOf(first, i + 1))
        if (isAt(part, i)) times += 1;
    }
  }
  closeSync(memory);
  part.fill(0); // it may have held them
  return times;
}

const store = openStore({ url, max: 1, onError: () => {} });
const kek = await openKek(kekUri);
const keyring = createKeyring({ store, keks: asKeks(kek), dekAgeMaxMs: 1_500 });
const isThere = async (): Promise<boolean> => (await keyring.byNumber(tenantId, 1)) !== null;
if (!(await isThere())) throw new Error('no DEK');
const held = timesInMemory();
while (keyring.knows(tenantId)) await sleep(50);
for (let round = 0; round < 5; round += 1) {
  collect();
  await sleep(20);
}
process.stdout.write(JSON.stringify({ held, dropped: timesInMemory() }));
keyring.close();
await kek.close();
await store.end();
