/**
 * The tests' server of Transit, asked what OpenBao's own tests ask of it (internal/builtin/logical/transit, at df6ce2c of 2026-08-21): their
 * questions and what they demand, in the order in which they are asked. Where those demand an error only, the text is that of its source.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { type FakeTransit, fakeTransit } from '../harness/fake-transit.ts';
import { keyFile, refusal } from './key-files.ts';

const token = 'hvs.token-of-a-test';
const plaintext = 'dGhlIHF1aWNrIGJyb3duIGZveA==';
const associated = 'U3BoaW54IG9mIGJsYWNrIHF1YXJ0eiwganVkZ2UgbXkgdm93Lgo=';

interface Answer {
  readonly status: number;
  readonly data: Record<string, unknown>;
  readonly errors: readonly string[];
}

async function opened(t: TestContext): Promise<{
  fake: FakeTransit;
  key: NonNullable<ReturnType<FakeTransit['keys']['get']>>;
  ask: (operation: string, body: object, name?: string) => Promise<Answer>;
}> {
  const fake = await fakeTransit(t);
  fake.tokens.set(token, { endsAt: Date.now() + 3_600_000, mayUse: true, renewals: 0 });
  const key = fake.keys.get('transit/rekey');
  assert.ok(key);
  return {
    fake,
    key,
    async ask(operation, body, name = 'rekey') {
      const response = await fetch(`${fake.server}/v1/transit/${operation}/${name}`, {
        method: 'POST',
        headers: { 'x-vault-token': token },
        body: JSON.stringify(body),
      });
      const { data = {}, errors = [] } = (await response.json()) as Partial<Answer>; // of our own server
      return { status: response.status, data, errors };
    },
  };
}

const refused = (answer: Answer, text: string): void =>
  assert.deepEqual([answer.status, answer.errors], [400, [text]]);

test('TestTransit_AEAD: with and without associated data, and neither for the other', async (t) => {
  const { ask } = await opened(t);
  const first = (await ask('encrypt', { plaintext })).data.ciphertext;
  assert.equal((await ask('decrypt', { ciphertext: first })).data.plaintext, plaintext);
  refused(await ask('decrypt', { ciphertext: associated }), 'invalid ciphertext: no prefix');
  const second = (await ask('encrypt', { plaintext, associated_data: associated })).data.ciphertext;
  assert.equal(
    (await ask('decrypt', { ciphertext: second, associated_data: associated })).data.plaintext,
    plaintext,
  );
  refused(await ask('decrypt', { ciphertext: second }), 'cipher: message authentication failed');
  refused(
    await ask('decrypt', { ciphertext: first, associated_data: associated }),
    'cipher: message authentication failed',
  );
});

test('TestTransit_BatchDecryption: an empty plaintext, a line end, a text', async (t) => {
  const { ask } = await opened(t);
  for (const text of ['', 'Cg==', plaintext]) {
    const { data } = await ask('encrypt', { plaintext: text });
    assert.deepEqual([typeof data.ciphertext, data.key_version], ['string', 1]);
    assert.equal((await ask('decrypt', { ciphertext: data.ciphertext })).data.plaintext, text);
  }
});

test('TestTransit_BatchDecryption_DerivedKey, TestTransit_MissingPlaintext: what is missing or no ciphertext', async (t) => {
  const { ask } = await opened(t);
  refused(await ask('encrypt', {}), 'missing plaintext to encrypt');
  refused(await ask('decrypt', {}), 'missing ciphertext to decrypt');
  for (const [ciphertext, text] of [
    ['xxx', 'no prefix'],
    ['vault:1:abcd', 'no prefix'],
    ['vault:v1', 'wrong number of fields'],
    ['vault:v', 'wrong number of fields'],
    ['vault:vx:abcd', 'version number could not be decoded'],
    ['vault:v2:abcd', 'version is too new'],
    ['vault:v1:a$cd', 'could not decode base64'],
  ] as const)
    refused(await ask('decrypt', { ciphertext }), `invalid ciphertext: ${text}`);
  refused(await ask('encrypt', { plaintext }, 'none'), 'encryption key not found');
});

test('the tests of rotation and of keys/config: versions, and the least that decrypts', async (t) => {
  const { ask, key } = await opened(t);
  const of = async (): Promise<string> => String((await ask('encrypt', { plaintext })).data.ciphertext);
  const first = await of();
  assert.match(first, /^vault:v1:/);
  key.versions.push(randomBytes(32), randomBytes(32));
  const third = await of();
  assert.match(third, /^vault:v3:/);
  for (const ciphertext of [first, third])
    assert.equal((await ask('decrypt', { ciphertext })).data.plaintext, plaintext);
  key.minDecryption = 3;
  refused(
    await ask('decrypt', { ciphertext: first }),
    'ciphertext or signature version is disallowed by policy (too old)',
  );
  assert.equal((await ask('decrypt', { ciphertext: third })).data.plaintext, plaintext);
  key.minDecryption = 1;
  assert.equal((await ask('decrypt', { ciphertext: first })).data.plaintext, plaintext);
  // As version 1, as which it was written in its first form.
  assert.equal((await ask('decrypt', { ciphertext: first.replace('v1', 'v0') })).data.plaintext, plaintext);
});

test('TestOpsFailAfterDeletion and types of keys: refused, and our provider says so', async (t) => {
  const { fake, ask, key } = await opened(t);
  const kek = await openKek(fake.uri({ token_file: await keyFile(`${token}\n`) }));
  t.after(() => kek.close());
  const aad = dekWrapAad(crypto.randomUUID(), crypto.randomUUID());
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  const { data } = await ask('encrypt', { plaintext });
  key.isSoftDeleted = true;
  refused(await ask('encrypt', { plaintext }), 'refusing to use soft-deleted key');
  refused(await ask('decrypt', data), 'refusing to use soft-deleted key');
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /the key is soft-deleted$/));
  key.isSoftDeleted = false;
  assert.equal((await ask('decrypt', data)).data.plaintext, plaintext);
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  key.type = 'ed25519';
  refused(
    await ask('encrypt', { plaintext, associated_data: associated }),
    "'[0].associated_data' provided for non-AEAD cipher suite ed25519",
  );
  refused(await ask('encrypt', { plaintext }), 'message encryption not supported for key type ed25519');
  await assert.rejects(kek.wrap(dek, aad), refusal('DENIED', /takes no associated data$/));
});
