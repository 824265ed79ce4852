import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalKeyFile } from '@rekey/kms';

/** The URI of a KEK for this run, in a folder that nobody else can enter and that goes with us, however we exit. */
export async function makePassingKek(cleanup: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-kek-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  cleanup.defer(remove);
  const path = join(folder, 'kek');
  await createLocalKeyFile(path);
  return `local:${path}`;
}
