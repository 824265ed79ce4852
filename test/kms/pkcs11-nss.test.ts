/** The second of two modules that are tried: it has what SoftHSM lacks, and looks at what that passes over. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { skipWithoutNss, startNss } from '../harness/nss.ts';

test('with NSS an AES key seals, and a pair unwraps by OAEP with SHA-256; what is altered is refused', {
  skip: skipWithoutNss,
}, async (t) => {
  const nss = await startNss(t);
  await nss.newKey();
  await nss.newRsaKey();
  await nss.newKey('open', { extractable: true });
  await nss.newRsaKey('open', { extractable: true });
  const uris = { aes: nss.uri(), rsa: nss.rsaUri(), open: nss.uri('open'), openRsa: nss.rsaUri('open') };
  const program = join(import.meta.dirname, 'nss-tries.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(uris)], {
    env: { PATH: process.env.PATH, ...nss.env },
  });
  const { aes, rsa, open, openRsa } = JSON.parse(stdout);
  assert.deepEqual(aes, {
    opens: true,
    head: [65, 3],
    hash: aes.hash, // of an IV
    anotherHash: 'CORRUPT',
    anotherTenant: 'CORRUPT',
    damaged: ['CORRUPT'],
  });
  // 1: SHA-256. A wrapped DEK that says SHA-1 instead is damaged: NSS knows that too, and the padding is not of it.
  assert.deepEqual(rsa, {
    opens: true,
    head: [332, 4],
    hash: 1,
    anotherHash: 'CORRUPT',
    anotherTenant: 'CORRUPT',
    damaged: ['CORRUPT'],
  });
  assert.match(open, /can be extracted/);
  assert.match(openRsa, /can be extracted/);
});
