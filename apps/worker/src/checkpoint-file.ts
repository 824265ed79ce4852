import { open } from 'node:fs/promises';
import { readCheckpoints, type SignedCheckpoint } from '@rekey/evidence';

/** More than any checkpoint has. */
const tailBytes = 16_384;

/** The last checkpoint in a file; null: it has none, or there is no such file. */
export async function lastIn(path: string): Promise<SignedCheckpoint | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, from);
    return readCheckpoints(buffer.toString('utf8', 0, bytesRead)).at(-1) ?? null;
  } finally {
    await file.close();
  }
}

/**
 * Appends, by one write, and comes back when it is on the disk. The line break before it ends what a writer that was cut off
 * may have left.
 */
export async function appendNote(path: string, note: string): Promise<void> {
  const file = await open(path, 'a', 0o644);
  try {
    await file.write(`\n${note}`);
    await file.sync();
  } finally {
    await file.close();
  }
}
