import { Buffer } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { generateDek, importDek } from '@rekey/envelope';
import { KmsError } from './kms-error.ts';
import { needPrivateFile } from './need-private-file.ts';
import { longestRead, parseKeyFile, whatIsWrong } from './parse-key-file.ts';

/**
 * Reads a key file: 32 raw bytes, or their hex or base64 with or without a line end. Every copy of the bytes is zeroed.
 *
 * @throws KmsError, in one line that names the path and what to do: `INVALID_URI` (no path), `NOT_FOUND` (no file),
 *   `DENIED` (not readable, or by others than this process too: `needPrivateFile`), `CORRUPT` (no key in it), `UNAVAILABLE`
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

async function readKey(file: FileHandle, path: string): Promise<KeyObject> {
  const memory = Buffer.alloc(longestRead);
  try {
    const { bytesRead } = await file.read(memory, 0, longestRead, 0);
    const content = memory.subarray(0, bytesRead);
    const key = parseKeyFile(content);
    if (key === null)
      throw new KmsError('CORRUPT', `KEK file ${path}: ${whatIsWrong(content)}; it ${needed}`);
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
    case 'ENXIO':
      return new KmsError('INVALID_URI', `KEK file ${path}: a socket or a device, not a file`);
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EISDIR':
    case 'ERR_INVALID_ARG_VALUE':
      return new KmsError('INVALID_URI', `KEK: local: ${path.slice(0, 256)} is not the path of a file`);
    case 'INVALID_KEY':
      return new KmsError('CORRUPT', `KEK file ${path}: only zeros; it ${needed}`);
    default:
      return new KmsError(
        'UNAVAILABLE',
        `KEK file ${path}: ${typeof code === 'string' ? code : 'unknown trouble'}`,
      );
  }
}
