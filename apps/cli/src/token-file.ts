import { open } from 'node:fs/promises';
import { UsageError } from './command.ts';

const sizeMax = 16_384;
const others = 0o077;

/** The token in a file that only its owner can read, as ssh asks of its keys. */
export async function readTokenFile(path: string): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch (error) {
    throw new UsageError(`The token file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
  try {
    // Of the file that is open, not of whatever has its name by then.
    const { mode, size } = await file.stat();
    if ((mode & others) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new UsageError(
        `The token file ${path} has the mode ${octal}: others can get at it. chmod 600 it.`,
      );
    }
    if (size > sizeMax) throw new UsageError(`The token file ${path} is too large to hold a token.`);
    return tokenIn((await file.readFile('utf8')).trim(), `The token file ${path}`);
  } finally {
    await file.close();
  }
}

/** Without what no token has, which would also break the header; the token is never part of what is said. */
export function tokenIn(text: string, where: string): string {
  if (text === '') throw new UsageError(`${where} is empty.`);
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(text)) throw new UsageError(`${where} holds no bearer token.`);
  return text;
}
