import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadDeks } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const program = fileURLToPath(new URL('dropped-program.ts', import.meta.url));

test('the bytes of a DEK that was dropped stand nowhere in the memory of the process', async (t) => {
  const tenantId = await core.createTenant();
  const [stored] = await loadDeks(core.store, tenantId);
  assert.ok(stored);
  const bytes = await core.kek.unwrap(stored.wrapped, dekWrapAad(tenantId, stored.id));
  const masked = Buffer.from(bytes.map((byte) => 255 - byte)).toString('hex');
  const given = ['--expose-gc', '--disable-warning=ExperimentalWarning', program];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...given,
    core.database.url,
    core.kek.uri,
    tenantId,
    masked,
  ]);
  const { held, dropped } = JSON.parse(stdout) as { held: number; dropped: number };
  t.diagnostic(`while it is held: ${held}; dropped: ${dropped}`);
  assert.ok(held > 0, 'the look finds them while they are held');
  assert.equal(dropped, 0);
});
