import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { answerWith, bundleOf, certificateVerify } from '@rekey/evidence';
import { openssl } from '../harness/tsa.ts';
import { dsse, jwksOf, publicKey, stamped } from './stamped.ts';

const { skip } = openssl;

test('the command says when it was stamped and by whom, or that the stamp counts for nothing', {
  skip,
}, async () => {
  const { token, authority } = await stamped();
  const file = (name: string): string => join(authority.folder, name);
  await writeFile(file('bundle'), bundleOf(dsse, answerWith(token)));
  await writeFile(file('well.json'), JSON.stringify(jwksOf(null)));
  await writeFile(file('compromised.json'), JSON.stringify(jwksOf(new Date(Date.now() + 60_000))));
  await writeFile(file('key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const call = async (...args: string[]) => {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    return { code: await certificateVerify([file('bundle'), ...args], io), text: lines.join('\n') };
  };
  const ca = ['--tsa-ca', authority.root.certificate];
  const saved = await call('--jwks', file('compromised.json'), ...ca);
  assert.equal(saved.code, 0, saved.text);
  assert.match(saved.text, /^stamped {3}by 2.*Z at the latest, says "O=Test, CN=Stamps"$/m);
  assert.match(saved.text, /^its key {3}is compromised since 2.*, and signed this before$/m);
  const lost = await call('--jwks', file('compromised.json'));
  assert.equal(lost.code, 1);
  assert.match(
    lost.text,
    /^refused {3}KEY_COMPROMISED\n[\s\S]*^stamped {3}UNTRUSTED: a time stamp came with it and counts for nothing/m,
  );
  const well = await call('--key', file('key.pem'));
  assert.equal(well.code, 0);
  assert.match(well.text, /^stamped {3}UNTRUSTED/m);
  assert.equal((await call('--key', file('key.pem'), '--tsa-ca', file('bundle'))).code, 2);
  const json = JSON.parse((await call('--jwks', file('compromised.json'), ...ca, '--json')).text);
  assert.deepEqual([json.verified, json.stamp.trusted, json.form], [true, true, 'bundle']);
});
