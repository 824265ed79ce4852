import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { fakeGcpKms, silent } from '../harness/fake-gcp-kms.ts';
import { folder, refusal } from './key-files.ts';

const aad = dekWrapAad(randomUUID(), randomUUID());
// So that nothing is found that whoever runs the tests has set up for himself.
process.env.HOME = folder;

function environment(given: Record<string, string>): void {
  for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'GCE_METADATA_HOST', 'METADATA_SERVER_DETECTION'])
    delete process.env[name];
  Object.assign(process.env, given);
}

test('a service account signs its tokens itself; another key in its file is used once the old one is refused', async (t) => {
  const fake = await fakeGcpKms(t);
  const file = await fake.accounts.serviceAccountFile();
  environment({ GOOGLE_APPLICATION_CREDENTIALS: file });
  const kek = await openKek(fake.uri());
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  await fake.accounts.serviceAccountFile(file);
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  assert.deepEqual(fake.calls, ['encrypt', 'decrypt', 'decrypt']);
  assert.deepEqual(fake.accounts.calls, []);
  // Nobody's: refused twice, and not asked for ever.
  await fake.accounts.serviceAccountFile();
  fake.calls.length = 0;
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: UNAUTHENTICATED$/));
  assert.deepEqual(fake.calls, ['decrypt', 'decrypt']);
  await kek.close();
});

test('a workload exchanges the token of its platform, once; one that is refused denies, and says nothing', async (t) => {
  const fake = await fakeGcpKms(t);
  environment({
    GOOGLE_APPLICATION_CREDENTIALS: await fake.accounts.federatedFile('a-token-of-the-platform'),
  });
  const kek = await openKek(fake.uri());
  const dek = generateDek();
  assert.deepEqual(await kek.unwrap(await kek.wrap(dek, aad), aad), dek);
  assert.deepEqual(fake.accounts.calls, ['/v1/token']);
  // Revoked: another one is asked for.
  fake.accounts.tokens.clear();
  await kek.wrap(dek, aad);
  assert.equal(fake.accounts.calls.length, 2);
  fake.accounts.tokens.clear();
  fake.accounts.subjectToken = 'another';
  await assert.rejects(kek.wrap(dek, aad), (error) => {
    assert.ok(refusal('DENIED', /: the credentials are refused \(HTTP status 400\)$/)(error));
    return error instanceof Error && !/hunter2|a-token-of/.test(`${error.message}${error.stack}`);
  });
  await kek.close();
});

test('a machine of Google asks its metadata server, which may be late', async (t) => {
  const fake = await fakeGcpKms(t);
  environment({ GCE_METADATA_HOST: '127.0.0.1:1' });
  const kek = await openKek(fake.uri());
  const dek = generateDek();
  await assert.rejects(kek.wrap(dek, aad), refusal('UNAVAILABLE', /no credentials for the moment$/));
  environment({ GCE_METADATA_HOST: new URL(fake.endpoint).host });
  assert.deepEqual(await kek.unwrap(await kek.wrap(dek, aad), aad), dek);
  assert.deepEqual(fake.calls, ['encrypt', 'decrypt']);
  assert.match(fake.accounts.calls.join(), /instance\/service-accounts\/default\/token$/);
  await kek.close();
});

test('credentials that are not there, or nonsense, are waited for; a silent token server costs a bounded time', async (t) => {
  const fake = await fakeGcpKms(t);
  const file = join(folder, randomUUID());
  environment({ GOOGLE_APPLICATION_CREDENTIALS: file, METADATA_SERVER_DETECTION: 'none' });
  const kek = await openKek(fake.uri());
  for (const content of [null, '', 'hunter2', '{"type":"service_account","private_key":"hunter2"}']) {
    if (content !== null) await writeFile(file, content);
    await assert.rejects(kek.wrap(generateDek(), aad), (error) => {
      assert.ok(refusal('UNAVAILABLE', /: there are no credentials for the moment$/)(error));
      return error instanceof Error && !error.stack?.includes('hunter2');
    });
  }
  assert.deepEqual(fake.calls, []);
  await fake.accounts.serviceAccountFile(file);
  await kek.wrap(generateDek(), aad);

  environment({
    GOOGLE_APPLICATION_CREDENTIALS: await fake.accounts.federatedFile('a-token-of-the-platform'),
  });
  const federated = await openKek(fake.uri());
  fake.accounts.answer = silent;
  const began = performance.now();
  await assert.rejects(federated.wrap(generateDek(), aad), refusal('UNAVAILABLE'));
  const ms = performance.now() - began;
  assert.ok(ms > 2_000 && ms < 25_000, `${Math.round(ms)} ms`);
  fake.accounts.answer = null;
  await federated.wrap(generateDek(), aad);
  await kek.close();
  await federated.close();
});

const name = 'projects/a-project/locations/europe-west3/keyRings/ring/cryptoKeys/key';

test('the id is the name of the key, whatever the endpoint', async () => {
  const id = async (uri: string): Promise<string> => (await openKek(uri)).id;
  assert.equal(await id(`gcp-kms:${name}`), `gcp-kms:${name}`);
  assert.equal(await id(`gcp-kms://${name}?endpoint=https%3A%2F%2Fkms.example.com`), `gcp-kms:${name}`);
  assert.equal(await id(`gcp-kms:${name}?endpoint=http://[::1]:8080/`), `gcp-kms:${name}`);
  const domain = name.replace('a-project', 'example.com:a-project');
  assert.equal(await id(`gcp-kms:${domain}`), `gcp-kms:${domain}`);
});

test('URIs that name no key, or would send ours elsewhere, are refused without a packet', async (t) => {
  const fake = await fakeGcpKms(t);
  environment({ GOOGLE_APPLICATION_CREDENTIALS: await fake.accounts.serviceAccountFile() });
  const { host } = new URL(fake.endpoint);
  for (const rest of [
    '',
    'hunter2',
    `${name}/hunter2`,
    `${name}/cryptoKeyVersions/1`,
    `${name}:hunter2`,
    `${name}\n`,
    `${name}%2f..%2fhunter2`,
    `/${name}`,
    name.replace('ring/', '../hunter2/'),
    name.replace('a-project', '123456789012'),
    name.replace('a-project', 'user:hunter2@a-project'),
    name.replace('europe-west3', `${host}/hunter2`),
    name.replace('cryptoKeys/key', `cryptoKeys/${'k'.repeat(64)}`),
    name.replace('cryptoKeys', 'importJobs'),
    `${name}?credentials=hunter2`,
    `${name}?endpoint=${fake.endpoint}&key=hunter2`,
    `${name}?endpoint=${fake.endpoint}&endpoint=https://hunter2.example.com`,
    `${name}?endpoint=http://user:hunter2@${host}`,
    `${name}?endpoint=${fake.endpoint}/hunter2`,
    `${name}?endpoint=${fake.endpoint}/%3Fhunter2`,
    `${name}?endpoint=${fake.endpoint}%23hunter2`,
    `${name}?endpoint=${fake.endpoint}?hunter2`,
    `${name}?endpoint=http://hunter2.example.com`,
    `${name}?endpoint=http://127.0.0.1.hunter2.example.com`,
    `${name}?endpoint=http://169.254.169.254`,
    `${name}?endpoint=file:///hunter2`,
    `${name}?endpoint=hunter2`,
    `${name}?endpoint=`,
    `${name}?`,
    `${name}#hunter2`,
  ])
    await assert.rejects(openKek(`gcp-kms:${rest}`), (error) => {
      assert.ok(refusal('INVALID_URI')(error), rest);
      return error instanceof Error && !error.message.includes('hunter2');
    });
  assert.deepEqual([...fake.calls, ...fake.accounts.calls], []);
});
