import process from 'node:process';
import { DEK_BYTES } from '../dek.ts';
import type { BatchCipher } from './batch-cipher.ts';
import { nodeBatchCipher } from './node-batch.ts';
import { FfiUnavailable, loadOpenSsl, type OpenSsl } from './openssl.ts';
import { createOpenSslBatchCipher } from './openssl-batch.ts';
import { selfTest } from './self-test.ts';

/**
 * - `auto`: OpenSSL by its addresses where that was tested and proves itself at start, else `node:crypto`.
 * - `ffi`: the same, but it throws where `auto` would fall back.
 * - `node`: `node:crypto`.
 */
export type CipherChoice = 'auto' | 'ffi' | 'node';

export interface ChosenCipher {
  readonly cipher: BatchCipher;
  /** Why it is `node:crypto`, in words for an operator; null: it is not, or it was wanted. */
  readonly reason: string | null;
}

/**
 * Where the tests of this module and `npm run fuzz:cipher` were run. Every other Node, with another OpenSSL perhaps, has
 * `node:crypto`: nothing but these tells whether what ADR 38 relies on holds there.
 */
export const tested: readonly Platform[] = [{ node: '26.10.0', openssl: '3.5.8', os: 'linux', arch: 'x64' }];

interface Platform {
  readonly node: string;
  readonly openssl: string;
  readonly os: string;
  readonly arch: string;
}

const here = (): Platform => {
  const { node, openssl } = process.versions;
  return { node, openssl, os: process.platform, arch: process.arch };
};

/**
 * The batch cipher of this thread. The self-test takes a few milliseconds: once for each process is enough.
 *
 * @throws FfiUnavailable only for `ffi`
 */
export function openBatchCipher(
  choice: CipherChoice,
  { load = loadOpenSsl, platform = here() }: { load?: () => OpenSsl; platform?: Platform | undefined } = {},
): ChosenCipher {
  if (choice === 'node') return { cipher: nodeBatchCipher, reason: null };
  try {
    needTested(platform);
    return { cipher: proven(load()), reason: null };
  } catch (error) {
    if (!(error instanceof FfiUnavailable) || choice === 'ffi') throw error;
    return { cipher: nodeBatchCipher, reason: error.message };
  }
}

function needTested({ node, openssl, os, arch }: Platform): void {
  const isTested = tested.some(
    (one) => one.node === node && one.openssl === openssl && one.os === os && one.arch === arch,
  );
  if (!isTested)
    throw new FfiUnavailable(`not tested on Node ${node} with OpenSSL ${openssl} on ${os} ${arch}`);
}

function proven(openssl: OpenSsl): BatchCipher {
  try {
    selfTest((fill) => {
      const memories: Buffer[] = [];
      const addressOf: OpenSsl['addressOf'] = (memory) => {
        memories.push(memory);
        return openssl.addressOf(memory);
      };
      const cipher = createOpenSslBatchCipher({ ...openssl, addressOf }, fill);
      // Made with the cipher are the rooms for a key, for plaintext, and for a count, which is no secret.
      return { cipher, rooms: memories.filter(({ length }) => length >= DEK_BYTES) };
    });
    return createOpenSslBatchCipher(openssl);
  } catch (error) {
    const what = error instanceof Error ? error.message : 'an unknown error';
    throw new FfiUnavailable(`the self-test failed: ${what}`);
  }
}
