import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { parseOneForm } from './one-form-json.ts';

/** More than anybody has in one of these files, and less than a text can hold. */
const fileMaxBytes = 256 * 2 ** 20;

/** All of a file, or of a pipe. Throws in one line that names it. */
export async function readGiven(path: string, maxBytes = fileMaxBytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of piecesOf(path)) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new RangeError(`${path} is longer than ${maxBytes / 2 ** 20} MiB`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** As it comes. Throws in one line that names the file. */
export async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const piece of createReadStream(path)) yield piece as Buffer; // it has no encoding
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'for no known reason';
    throw new Error(`${path} cannot be read (${code})`);
  }
}

/** The key in a PEM file. */
export async function publicKeyIn(path: string): Promise<KeyObject> {
  const pem = await readGiven(path);
  try {
    return createPublicKey(pem);
  } catch {
    throw new TypeError(`There is no public key in ${path}: a PEM file is needed.`);
  }
}

/** What `read` makes of the JSON in a file. */
export async function jsonIn<Read>(path: string, read: (value: unknown) => Read): Promise<Read> {
  const text = (await readGiven(path)).toString('utf8').replace(/^\ufeff/, '');
  try {
    return read(parseOneForm(text));
  } catch (error) {
    throw new TypeError(`${path}: ${error instanceof Error ? error.message : 'it cannot be used'}`);
  }
}

/** What went wrong, in one line whatever stands in it: names of files may be anything. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 1_000);
}
