import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { readWorkerConfig } from '@rekey/worker';

const folder = await mkdtemp(join(tmpdir(), 'rekey-stamp-settings-'));
test.after(() => rm(folder, { recursive: true }));
const ca = join(folder, 'ca.pem');
await writeFile(ca, rootCertificates[0] ?? '');
await writeFile(join(folder, 'none.pem'), 'no certificate');

function refusal(url: string | undefined, of: string | undefined): string {
  const env = { DATABASE_URL: 'postgres://x@h/d', REDIS_URL: 'redis://h', KEK_URI: 'local:/k' };
  const given = {
    ...(url && { CERTIFICATE_TIMESTAMP_URL: url }),
    ...(of && { CERTIFICATE_TIMESTAMP_CA: of }),
  };
  try {
    readWorkerConfig({ ...env, ...given });
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}

test('an authority may be anywhere, also on plain http: what it answers is believed by its signature alone', () => {
  assert.equal(refusal(undefined, undefined), '');
  for (const url of [
    'https://tsa.example/tsr',
    'http://tsa.example/tsr',
    'http://tsa.example:8080',
    'http://192.0.2.7/',
    'http://[2001:db8::1]/tsr',
    'http://127.0.0.1:1/',
  ])
    assert.equal(refusal(url, ca), '', url);
});

test('an address without certificates, certificates without an address, and what is none refuse the start', () => {
  const url = 'http://tsa.example/tsr';
  assert.match(refusal(url, undefined), /needed both/);
  assert.match(refusal(undefined, ca), /needed both/);
  for (const wrong of [
    'https://user:secret@tsa.example/',
    'http://user:secret@tsa.example/',
    'http://tsa.example/?secret',
    'http://tsa.example/#secret',
    'http://tsa.example:secret/',
    'ftp://tsa.example/',
    'file:///tsr',
    'tsa.example',
  ]) {
    const told = refusal(wrong, ca);
    assert.match(told, /CERTIFICATE_TIMESTAMP_URL/, wrong);
    assert.doesNotMatch(told, /secret/);
  }
  for (const wrong of [join(folder, 'none.pem'), '/none'])
    assert.match(refusal(url, wrong), /CERTIFICATE_TIMESTAMP_CA/, wrong);
});
