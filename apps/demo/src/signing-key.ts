import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The URI of a key that signs certificates, beside a KEK of ours: made with it, kept and gone with it. */
export async function signingKeyBeside(kekUri: string): Promise<string> {
  const path = join(dirname(kekUri.replace(/^local:/, '')), 'signing.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(path, pem, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return `file:${path}`;
}
