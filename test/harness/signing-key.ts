import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Owner, thisFile } from './cleanup.ts';

/** A new signing key in a file of its own, as a worker takes it (`SIGNING_KEY_URI`). */
export async function signingKeyUri(owner: Owner = thisFile): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-signing-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'signing.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return `file:${path}`;
}
