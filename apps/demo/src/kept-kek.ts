import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile, KmsError } from '@rekey/kms';
import { VaultError } from '@rekey/vault';
import { DemoError } from './demo-error.ts';

const path = fileURLToPath(new URL('../../../.rekey/kek', import.meta.url));

/** The URI of the KEK of this clone, made at its first use: a database that stays must open at the next start too. */
export async function keptKek(): Promise<string> {
  // Should it not be possible, making the file will say so.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(() => {});
  await createLocalKeyFile(path).catch((error: unknown) => {
    // It is there already; whether it is of use is told by whoever opens it.
    if (!(error instanceof KmsError && error.code === 'DENIED')) throw error;
  });
  return `local:${path}`;
}

/** As a DEK is made, and as one is unwrapped. */
const isOther: ReadonlySet<string> = new Set(['NOT_FOUND', 'NOT_HELD']);

/** Does `work`, and says what to do when the KEK turns out not to be the one that the tenant was sealed under. */
export async function underKek<T>(kekUri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof VaultError ? error.cause : error;
    if (!(cause instanceof KmsError && isOther.has(cause.code))) throw error;
    throw new DemoError(
      'OTHER_KEK',
      `The demo tenant of that database was sealed under another KEK than ${kekUri}: ` +
        'set KEK_URI to that one, or DATABASE_URL to another database.',
    );
  }
}
