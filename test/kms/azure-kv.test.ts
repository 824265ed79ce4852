import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { type Kek, type KmsErrorCode, openKek } from '@rekey/kms';
import {
  type Answer,
  type FakeAzureKv,
  fakeAzureKv,
  identityOf,
  newAesVersion,
  newVersion,
  saying,
  sending,
  silent,
} from '../harness/fake-azure-kv.ts';
import { refusal } from './key-files.ts';

const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);

/** One for all: Microsoft's library finds the source of its tokens once in a process. */
const fake = await fakeAzureKv();
Object.assign(process.env, identityOf(fake));
const own = fake.resource;

async function opened(t: TestContext): Promise<{ readonly fake: FakeAzureKv; readonly kek: Kek }> {
  Object.assign(fake, { answer: null, identity: null, resource: own });
  fake.keys.clear();
  fake.keys.set('rekey', [newVersion()]);
  fake.calls.length = 0;
  const kek = await openKek(fake.uri());
  t.after(() => kek.close());
  return { fake, kek };
}

test('a DEK unwraps to what was wrapped, in memory of its own, whatever version the key has by now', async (t) => {
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  const sent = Buffer.from(dek);
  const first = await kek.wrap(sent, aad);
  assert.deepEqual(sent, dek);
  assert.ok(first.length <= 1_024 && !first.includes(dek));
  const unwrapped = await kek.unwrap(first, aad);
  assert.deepEqual(unwrapped, dek);
  assert.equal(unwrapped.buffer.byteLength, 32);
  assert.notDeepEqual(await kek.wrap(dek, aad), first);
  assert.deepEqual(fake.calls, ['challenge', 'token', 'wrapkey', 'unwrapkey', 'wrapkey']);

  const next = newVersion();
  fake.keys.get('rekey')?.push(next);
  const second = await kek.wrap(dek, aad);
  assert.equal(second.toString('hex', 5, 21), next.version);
  assert.deepEqual(await kek.unwrap(first, aad), dek);
  assert.deepEqual(await kek.unwrap(second, aad), dek);
});

test("another tenant's or DEK's bytes are refused, and those of another key", async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const other of [dekWrapAad(randomUUID(), dekId), dekWrapAad(tenantId, randomUUID()), Buffer.from('x')])
    await assert.rejects(kek.unwrap(wrapped, other), refusal('CORRUPT', /copied from another tenant/));
  const [mine] = fake.keys.get('rekey') ?? [];
  assert.ok(mine);
  fake.keys.set('other', [newVersion()]);
  const another = await openKek(fake.uri('other'));
  await assert.rejects(another.unwrap(wrapped, aad), refusal('NOT_FOUND', /: KeyNotFound$/));
  fake.keys.set('other', [{ ...newVersion(), version: mine.version }]);
  await assert.rejects(another.unwrap(wrapped, aad), refusal('CORRUPT', /: BadParameter$/));
});

test('what is damaged in any byte, or of another form, is refused before anybody is asked', async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  fake.calls.length = 0;
  for (let at = 0; at < wrapped.length; at += 1) {
    const damaged = Buffer.from(wrapped);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await assert.rejects(kek.unwrap(damaged, aad), refusal('CORRUPT', /^wrapped DEK: /), `${at}`);
  }
  for (const other of [Buffer.of(2), Buffer.alloc(83, 2), Buffer.of(), wrapped.subarray(0, -1)])
    await assert.rejects(kek.unwrap(other, aad), refusal('CORRUPT', /not of the form/));
  assert.deepEqual(fake.calls, []);
});

test('a disabled version denies until it is enabled, a key that is gone is not found', async (t) => {
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  const [pair] = fake.keys.get('rekey') ?? [];
  assert.ok(pair);
  pair.isEnabled = false;
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: KeyDisabled$/));
  await assert.rejects(kek.wrap(dek, aad), refusal('DENIED', /: KeyDisabled$/));
  pair.isEnabled = true;
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  fake.keys.clear();
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('NOT_FOUND', /: KeyNotFound$/));
});

const value = (kid: string, bytes = Buffer.alloc(31, 3)): Answer =>
  sending(200, JSON.stringify({ kid, value: bytes.toString('base64url') }));

const answers: ReadonlyArray<readonly [KmsErrorCode, Answer, said: RegExp]> = [
  ['UNAVAILABLE', saying(429, 'Throttled'), /: Throttled$/],
  ['UNAVAILABLE', saying(503, 'ServiceUnavailable'), /: ServiceUnavailable$/],
  ['UNAVAILABLE', saying(500, 'InternalServerError'), /: InternalServerError$/],
  ['UNAVAILABLE', saying(409, 'Conflict', 'ObjectIsBeingRecovered'), /: ObjectIsBeingRecovered$/],
  ['UNAVAILABLE', saying(418, 'hunter2'), /unknown error with HTTP status 418$/],
  ['UNAVAILABLE', sending(502, '<html>hunter2'), /not Azure's, with HTTP status 502$/],
  ['UNAVAILABLE', sending(403, '<html>hunter2'), /not Azure's, with HTTP status 403$/],
  ['UNAVAILABLE', sending(200, `{"value":"${'x'.repeat(70_000)}"}`), /not Azure's/],
  ['UNAVAILABLE', sending(200, '{}'), /an answer without a value$/],
  ['UNAVAILABLE', sending(307, '', { location: 'http://127.0.0.1:1/hunter2' }), /a redirect .*not followed$/],
  ['DENIED', saying(403, 'Forbidden'), /: Forbidden$/],
  ['DENIED', saying(403, 'Forbidden', 'ForbiddenByRbac'), /: ForbiddenByRbac$/],
  ['DENIED', saying(409, 'Conflict', 'ObjectIsDeletedButRecoverable'), /: ObjectIsDeletedButRecoverable$/],
  ['NOT_FOUND', saying(404, 'NotFound'), /: NotFound$/],
  ['NOT_FOUND', value('https://hunter2.vault.azure.net/keys/rekey/0'), /the answer is of another key$/],
  ['CORRUPT', saying(400, 'BadParameter'), /: BadParameter$/],
];

test('what Azure says becomes a code, in one line of ours; only what passes is tried again', async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const [code, answer, said] of answers) {
    fake.answer = answer;
    fake.calls.length = 0;
    await assert.rejects(kek.unwrap(wrapped, aad), (error) => {
      assert.ok(refusal(code, said)(error));
      assert.ok(error instanceof Error && !/hunter2|Bearer|eyJ/.test(`${error.message}${error.stack}`));
      return true;
    });
    assert.equal(fake.calls.length, code === 'UNAVAILABLE' ? 3 : 1, String(said));
  }
  fake.answer = saying(400, 'BadParameter');
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /: BadParameter$/));
  fake.answer = silent;
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE', /: cannot be reached$/));
});

test("no token is asked for, nor sent, when the challenge is not of the vault's own domain", async (t) => {
  const { fake, kek } = await opened(t);
  for (const resource of [
    'https://management.azure.com',
    'https://vault.azure.net',
    'http://127.0.0.1.example.com',
    'http://user@127.0.0.1',
    `${own}/x`,
    '',
  ]) {
    fake.resource = resource;
    fake.calls.length = 0;
    await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /another domain than its own/));
    assert.deepEqual(fake.calls, ['challenge'], resource);
  }
});

test('a token that is refused is asked about once, then denied; nothing opens once it is closed', async (t) => {
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  fake.answer = saying(401, 'Unauthorized');
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: Unauthorized$/));
  fake.answer = null;
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  await kek.close();
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE', /closed/));
});

/** Of the same domain, and one that Microsoft's library holds no token for. */
const elsewhere = (n: number): string => `http://127.0.0.1:${n}`;

test('a token that was revoked is denied', async (t) => {
  const { fake, kek } = await opened(t);
  fake.resource = elsewhere(1);
  const others = new Set(fake.tokens);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const token of fake.tokens) if (!others.has(token)) fake.tokens.delete(token);
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: Unauthorized$/));
});

test('an identity that is refused is denied; one that is away is waited for, and found again', async (t) => {
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  fake.resource = elsewhere(2);
  for (const status of [400, 403]) {
    fake.identity = sending(status, '{"message":"hunter2"}', { 'content-type': 'application/json' });
    await assert.rejects(kek.wrap(dek, aad), (error) => {
      assert.ok(refusal('DENIED', /the credentials are refused/)(error));
      return error instanceof Error && !error.message.includes('hunter2');
    });
  }
  for (const away of [sending(500, '{}'), sending(502, '<html>hunter2'), silent]) {
    fake.identity = away;
    await assert.rejects(kek.wrap(dek, aad), refusal('UNAVAILABLE'));
  }
  fake.identity = null;
  assert.deepEqual(await kek.unwrap(await kek.wrap(dek, aad), aad), dek);
});

test('an AES key of a Managed HSM wraps and unwraps, and takes no bytes of another', async (t) => {
  const { fake } = await opened(t);
  fake.keys.set('aes', [newAesVersion()]);
  const kek = await openKek(`${fake.uri('aes')}?alg=A256KW`);
  t.after(() => kek.close());
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  await assert.rejects(kek.unwrap(wrapped, dekWrapAad(randomUUID(), dekId)), refusal('CORRUPT'));
  const [mine] = fake.keys.get('aes') ?? [];
  assert.ok(mine);
  fake.keys.set('aes', [{ ...newAesVersion(), version: mine.version }]);
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('CORRUPT', /: BadParameter$/));
  const asRsa = await openKek(fake.uri('aes'));
  t.after(() => asRsa.close());
  await assert.rejects(asRsa.wrap(dek, aad), refusal('DENIED', /: BadParameter$/));
});

test('a URI that is not of a key in a vault of Azure is refused, and repeated nowhere', async () => {
  for (const rest of [
    'https://hunter2.example.com/keys/rekey',
    'https://vault.azure.net/keys/rekey',
    'https://a.hunter2.vault.azure.net/keys/rekey',
    'https://user:hunter2@myvault.vault.azure.net/keys/rekey',
    'https://myvault.vault.azure.net.hunter2.com/keys/rekey',
    'https://hunter2.com/keys/a#.vault.azure.net/keys/rekey',
    'http://myvault.vault.azure.net/keys/rekey',
    'https://myvault.vault.azure.net:8443/keys/rekey',
    'https://myvault.vault.azure.net/secrets/hunter2',
    'https://myvault.vault.azure.net/keys/../secrets/hunter2',
    `https://myvault.vault.azure.net/keys/rekey/${'0'.repeat(32)}`,
    'https://myvault.vault.azure.net/keys/rekey?alg=RSA1_5',
    'https://myvault.vault.azure.net/keys/rekey?alg=A256KW',
    'https://169.254.169.254/keys/hunter2',
    'hunter2',
  ])
    await assert.rejects(openKek(`azure-kv:${rest}`), (error) => {
      assert.ok(refusal('INVALID_URI', /^KEK: the URI of a Key Vault key/)(error));
      return error instanceof Error && !error.message.includes('hunter2');
    });
  for (const rest of [
    'https://myvault.vault.azure.net/keys/rekey',
    'https://my-hsm.managedhsm.azure.net/keys/rekey?alg=A256KW',
  ]) {
    const kek = await openKek(`azure-kv:${rest}`);
    assert.equal(kek.id, `azure-kv:${rest.slice(8).replace(/\?.*/, '')}`);
    await kek.close();
  }
});
