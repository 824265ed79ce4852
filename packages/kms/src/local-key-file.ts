import { Buffer } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { generateDek, importDek } from '@rekey/envelope';
import { KmsError } from './kms-error.ts';
import { parseKeyFile } from './parse-key-file.ts';

/** The longest form has 66 bytes; one more than this is never read. */
const fileBytesMax = 128;

/**
 * Reads a key file: 32 raw bytes, or their hex or base64 with or without a line end. Every copy of the bytes is zeroed.
 *
 * @throws KmsError, in one line that names the path and what to do: `INVALID_URI` (no path), `NOT_FOUND` (no file),
 *   `DENIED` (not readable, or readable by others than its owner), `CORRUPT` (no key in it), `UNAVAILABLE`
 */
export async function readLocalKeyFile(path: string): Promise<KeyObject> {
  if (path === '' || path.includes('\0'))
    throw new KmsError('INVALID_URI', 'KEK: local: needs the path of a key file');
  // Non-blocking, so that a FIFO of this name cannot hold up the start for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw translate(error, path);
  });
  try {
    await needPrivateFile(file, path);
    return await readKey(file, path);
  } catch (error) {
    throw translate(error, path);
  } finally {
    await file.close();
  }
}

/**
 * Makes a key file of 32 fresh random bytes that only its owner can read (0600), and has it on disk when it returns.
 *
 * @throws KmsError `DENIED` (there is a file already, which is left as it is, or the folder refuses), `NOT_FOUND` (no
 *   such folder), `UNAVAILABLE`
 */
export async function createLocalKeyFile(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw translate(error, path);
  });
  const bytes = generateDek();
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => undefined); // half a key file would stand in the way of the next attempt
    throw translate(error, path);
  } finally {
    bytes.fill(0);
    await file.close();
  }
}

/** Asks the open file, not the path: what is judged is what is read. */
async function needPrivateFile(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new KmsError('INVALID_URI', `KEK file ${path}: not a file`);
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new KmsError(
      'DENIED',
      `KEK file ${path}: open to others than its owner (${mode}); chmod 600 ${path}`,
    );
  }
}

async function readKey(file: FileHandle, path: string): Promise<KeyObject> {
  const memory = Buffer.alloc(fileBytesMax);
  try {
    const { bytesRead } = await file.read(memory, 0, fileBytesMax, 0);
    const key = parseKeyFile(memory.subarray(0, bytesRead));
    if (key === null) throw new KmsError('CORRUPT', `KEK file ${path}: ${needed}`);
    return importDek(key);
  } finally {
    memory.fill(0);
  }
}

const needed = 'must hold a key of 32 bytes, raw or as 64 hex digits or 44 characters of base64';

function translate(error: unknown, path: string): KmsError {
  if (error instanceof KmsError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new KmsError('NOT_FOUND', `KEK file ${path}: not there`);
    case 'EEXIST':
      return new KmsError('DENIED', `KEK file ${path}: there already, and never overwritten`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new KmsError(
        'DENIED',
        `KEK file ${path}: not accessible to this user; check its owner, and chmod 600 ${path}`,
      );
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EISDIR':
    case 'ERR_INVALID_ARG_VALUE':
      return new KmsError('INVALID_URI', `KEK: local: ${path.slice(0, 256)} is not the path of a file`);
    case 'INVALID_KEY':
      return new KmsError('CORRUPT', `KEK file ${path}: ${needed}, and not zeros`);
    default:
      return new KmsError(
        'UNAVAILABLE',
        `KEK file ${path}: ${typeof code === 'string' ? code : 'unknown trouble'}`,
      );
  }
}
