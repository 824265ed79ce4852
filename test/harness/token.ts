import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Owner, thisFile } from './cleanup.ts';
import { tokenLabel } from './token-label.ts';

const addon = await import('pkcs11js').then(
  () => false as const,
  // No tool that could be fetched: where nothing compiles it, npm leaves it out, and everything else has to work.
  () => 'pkcs11js is not installed: it is compiled, for which there was no compiler, or no headers of Node',
);

/** For the options of a test that asks a token of this tool. */
export const skipWithoutToken = (tool: { readonly skip: false | string }): false | string =>
  tool.skip === false ? addon : tool.skip;

/** Of every process that uses it. */
export type TokenEnv = Readonly<Record<string, string>>;

/** A token of a program's making, in files of its own. */
export interface Token {
  readonly module: string;
  readonly pinFile: string;
  readonly env: TokenEnv;
  uri(object?: string): string;
  /** Of an Ed25519 key. */
  signingUri(object?: string): string;
  /** Of an RSA key. */
  rsaUri(object?: string): string;
  /** On the token, by a process of its own: by default one that can be used and not extracted. */
  newKey(object?: string, options?: { extractable?: boolean; bits?: number }): Promise<void>;
  /** An Ed25519 key pair. */
  newSigningKey(object?: string, options?: { extractable?: boolean }): Promise<void>;
  /** An RSA key pair. */
  newRsaKey(
    object?: string,
    options?: { extractable?: boolean; bits?: number; decrypts?: boolean },
  ): Promise<void>;
  /** By somebody without a PIN. */
  replacePublicHalf(object: string): Promise<void>;
  deleteKey(object?: string): Promise<void>;
}

/** A folder with a PIN in it, and how programs are run there. */
export async function tokenFolder(owner: Owner = thisFile) {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-hsm-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const pin = randomBytes(6).toString('hex');
  const pinFile = join(folder, 'pin');
  await writeFile(pinFile, `${pin}\n`, { mode: 0o600 });
  const run = (file: string, args: readonly string[], env: TokenEnv): Promise<unknown> =>
    promisify(execFile)(file, args, { env: { PATH: process.env.PATH, ...env } });
  return { folder, pin, pinFile, run };
}

export function tokenIn(
  { pin, pinFile, run }: Awaited<ReturnType<typeof tokenFolder>>,
  module: string,
  env: TokenEnv,
): Token {
  const act = async (action: object): Promise<void> => {
    const program = join(import.meta.dirname, 'token-act.ts');
    await run(process.execPath, [program, JSON.stringify({ module, pin, ...action })], env);
  };
  const uri = (object: string, type: string): string =>
    `pkcs11:token=${tokenLabel};object=${object};type=${type}?module-path=${module}&pin-source=file:${pinFile}`;
  return {
    module,
    pinFile,
    env,
    uri: (object = 'kek') => uri(object, 'secret-key'),
    signingUri: (object = 'signing') => uri(object, 'private'),
    rsaUri: (object = 'rsa') => uri(object, 'private'),
    newRsaKey: (object = 'rsa', { extractable = false, bits = 2_048, decrypts = true } = {}) =>
      act({ makeRsa: object, extractable, bits, decrypts }),
    newSigningKey: (object = 'signing', { extractable = false } = {}) =>
      act({ makeSigning: object, extractable }),
    newKey: (object = 'kek', { extractable = false, bits = 256 } = {}) =>
      act({ make: object, extractable, bits }),
    replacePublicHalf: (object) => act({ replace: object }),
    deleteKey: (object = 'kek') => act({ remove: object }),
  };
}
