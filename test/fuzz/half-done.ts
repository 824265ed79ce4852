import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import type { OpenSsl } from '../../packages/envelope/src/batch/openssl.ts';

const memory = Buffer.from(new ArrayBuffer(1_024));

/**
 * Leaves an operation on a context half done: after the IV, after the AAD, after a text, or after a tag that did not fit.
 * What is re-encrypted on it next must not be different for it.
 */
export function doHalf(openssl: OpenSsl, context: bigint, way: 'open' | 'seal', random: () => number): void {
  const isOpening = way === 'open';
  const init = isOpening ? openssl.EVP_DecryptInit_ex : openssl.EVP_EncryptInit_ex;
  const update = isOpening ? openssl.EVP_DecryptUpdate : openssl.EVP_EncryptUpdate;
  randomFillSync(memory);
  const at = openssl.addressOf(memory);
  const [out, written] = [at + 512n, at + 256n];
  const steps = 1 + Math.floor(random() * 4);
  const answers = [init(context, 0n, 0n, 0n, at)];
  if (steps > 1) answers.push(update(context, 0n, written, at, BigInt(1 + Math.floor(random() * 200))));
  if (steps > 2) answers.push(update(context, out, written, at, BigInt(1 + Math.floor(random() * 200))));
  if (answers.some((answer) => answer !== 1)) throw new Error('OpenSSL refused half an operation');
  if (steps < 4) return;
  if (!isOpening) openssl.EVP_EncryptFinal_ex(context, out, written);
  else {
    openssl.EVP_CIPHER_CTX_ctrl(context, 0x11n, 16n, at);
    if (openssl.EVP_DecryptFinal_ex(context, out, written) !== 0) throw new Error('a tag of chance fits');
  }
}
