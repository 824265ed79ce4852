import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { KmsError, type KmsErrorCode } from '@rekey/kms';

export const folder = await mkdtemp(join(tmpdir(), 'rekey-kms-'));
after(() => rm(folder, { recursive: true }));

let made = 0;
/** A key file of that content. */
export async function keyFile(content: Buffer | string, mode = 0o600): Promise<string> {
  const path = join(folder, `key-${made++}`);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
/** The error of a KMS with that code, in one line. */
export const refusal =
  (code: KmsErrorCode, message = /^[^\n]+$/) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof KmsError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]+$/);
    assert.equal(error.cause, undefined);
    return true;
  };
