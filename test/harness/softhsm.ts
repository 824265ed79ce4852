import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Owner, thisFile } from './cleanup.ts';
import { tool } from './tool.ts';

const softhsm = await tool('softhsm2');
const addon = await import('pkcs11js').then(
  () => false as const,
  // No tool that could be fetched: where nothing compiles it, npm leaves it out, and everything else has to work.
  () => 'pkcs11js is not installed: it is compiled, for which there was no compiler, or no headers of Node',
);

/** For the options of a test that asks SoftHSM. */
export const skipWithoutSoftHsm: false | string = softhsm.skip === false ? addon : softhsm.skip;

export interface SoftHsm {
  readonly module: string;
  readonly pinFile: string;
  /** Of every process that uses it. */
  readonly env: { readonly SOFTHSM2_CONF: string };
  /** Where the tokens lie. */
  readonly tokens: string;
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

/** A token named `rekey` in files of its own, with SoftHSM's module. */
export async function startSoftHsm(owner: Owner = thisFile): Promise<SoftHsm> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-hsm-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const tokens = join(folder, 'tokens');
  await mkdir(tokens);
  const env = { SOFTHSM2_CONF: join(folder, 'softhsm2.conf') };
  await writeFile(env.SOFTHSM2_CONF, `directories.tokendir = ${tokens}\nobjectstore.backend = file\n`);
  const pin = randomBytes(6).toString('hex');
  const pinFile = join(folder, 'pin');
  await writeFile(pinFile, `${pin}\n`, { mode: 0o600 });
  const module = softhsm.env.SOFTHSM2_MODULE;
  const run = (file: string, args: string[]): Promise<unknown> =>
    promisify(execFile)(file, args, { env: { PATH: process.env.PATH, ...env } });
  await run(softhsm.programs['softhsm2-util'], [
    ...['--module', module, '--init-token', '--free', '--label', 'rekey', '--so-pin', pin, '--pin', pin],
  ]);
  const act = (action: object): Promise<unknown> =>
    run(process.execPath, [
      join(import.meta.dirname, 'softhsm-act.ts'),
      JSON.stringify({ module, pin, ...action }),
    ]);
  const uri = (object: string, type: string): string =>
    `pkcs11:token=rekey;object=${object};type=${type}?module-path=${module}&pin-source=file:${pinFile}`;
  return {
    module,
    pinFile,
    env,
    tokens,
    uri: (object = 'kek') => uri(object, 'secret-key'),
    signingUri: (object = 'signing') => uri(object, 'private'),
    rsaUri: (object = 'rsa') => uri(object, 'private'),
    async newRsaKey(object = 'rsa', { extractable = false, bits = 2_048, decrypts = true } = {}) {
      await act({ makeRsa: object, extractable, bits, decrypts });
    },
    async newSigningKey(object = 'signing', { extractable = false } = {}) {
      await act({ makeSigning: object, extractable });
    },
    async newKey(object = 'kek', { extractable = false, bits = 256 } = {}) {
      await act({ make: object, extractable, bits });
    },
    async replacePublicHalf(object) {
      await act({ replace: object });
    },
    async deleteKey(object = 'kek') {
      await act({ remove: object });
    },
  };
}
