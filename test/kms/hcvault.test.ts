import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { createKeks, type Kek, type KmsErrorCode, openKek } from '@rekey/kms';
import {
  type Answer,
  type FakeTransit,
  fakeTransit,
  saying,
  sending,
  silent,
} from '../harness/fake-transit.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { keyFile, refusal } from './key-files.ts';

const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);
const token = 'hvs.token-of-a-test';
const safe = /^Vault Transit, hcvault:[\w/]+: [\w ()]+$/;

async function opened(t: TestContext): Promise<{ readonly fake: FakeTransit; readonly kek: Kek }> {
  const fake = await fakeTransit(t);
  fake.tokens.set(token, { endsAt: Date.now() + 3_600_000, mayUse: true, renewals: 0 });
  const kek = await openKek(fake.uri({ token_file: await keyFile(`${token}\n`) }));
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

  const key = fake.keys.get('transit/rekey');
  assert.ok(key);
  key.versions.push(randomBytes(32));
  const second = await kek.wrap(dek, aad);
  assert.deepEqual([first.readUInt32BE(1), second.readUInt32BE(1)], [1, 2]);
  assert.deepEqual(await kek.unwrap(first, aad), dek);
  assert.deepEqual(await kek.unwrap(second, aad), dek);
  key.minDecryption = 2;
  await assert.rejects(kek.unwrap(first, aad), refusal('NOT_FOUND', /below min_decryption_version$/));
  key.versions.pop();
  await assert.rejects(kek.unwrap(second, aad), refusal('NOT_FOUND', /does not have the version$/));
});

for (const passesOverAssociatedData of [false, true])
  test(`another tenant's or DEK's bytes are refused${passesOverAssociatedData ? ' where the server binds nothing' : ''}`, async (t) => {
    const { fake, kek } = await opened(t);
    Object.assign(fake, { passesOverAssociatedData });
    const wrapped = await kek.wrap(generateDek(), aad);
    for (const other of [
      dekWrapAad(randomUUID(), dekId),
      dekWrapAad(tenantId, randomUUID()),
      Buffer.from('x'),
    ])
      await assert.rejects(
        kek.unwrap(wrapped, other),
        refusal('CORRUPT', passesOverAssociatedData ? /another tenant or DEK$/ : /authentication failed$/),
      );
  });

test('what is damaged in any byte, of another form, or of another key, is refused', async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (let at = 0; at < wrapped.length; at += 1) {
    const damaged = Buffer.from(wrapped);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await assert.rejects(
      kek.unwrap(damaged, aad),
      // Of version 1 the last byte becomes 0, which is none.
      refusal(at > 0 && at < 4 ? 'NOT_FOUND' : 'CORRUPT'),
      `${at}`,
    );
  }
  for (const other of [Buffer.of(1), Buffer.alloc(69, 2), Buffer.of()])
    await assert.rejects(kek.unwrap(other, aad), refusal('CORRUPT', /not of the form/));
  fake.keys.set('transit/rekey', { versions: [randomBytes(32)], minDecryption: 1 });
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('CORRUPT', safe));
});

test('a key or a mount that is not there is not found; a policy that does not allow it denies, without a login', async (t) => {
  const { fake, kek } = await opened(t);
  fake.keys.set('transit/other', { versions: [], minDecryption: 1 });
  fake.keys.delete('transit/rekey');
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('NOT_FOUND', /encryption key not found$/));
  fake.keys.clear();
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('NOT_FOUND', /nothing is mounted there$/));
  fake.tokens.set(token, { endsAt: Date.now() + 3_600_000, mayUse: false, renewals: 0 });
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /permission denied$/));
});

const answers: ReadonlyArray<readonly [KmsErrorCode, Answer, said: RegExp]> = [
  ['UNAVAILABLE', saying(429, 'request path "transit/encrypt" rate limited'), /throttled \(429\)$/],
  ['UNAVAILABLE', saying(503, 'Vault is sealed'), /sealed or in maintenance \(503\)$/],
  ['UNAVAILABLE', saying(412, 'required index state not present'), /not up to date yet \(412\)$/],
  ['UNAVAILABLE', saying(473), /a standby \(473\)$/],
  ['UNAVAILABLE', saying(500, 'internal error'), /unknown error with HTTP status 500$/],
  ['UNAVAILABLE', saying(400, 'nobody foresaw this'), /unknown error with HTTP status 400$/],
  ['UNAVAILABLE', sending(502, '<html>hunter2'), /not Vault's, with HTTP status 502$/],
  ['UNAVAILABLE', sending(403, '<html>hunter2'), /not Vault's, with HTTP status 403$/],
  ['UNAVAILABLE', sending(404, '<html>hunter2'), /not Vault's, with HTTP status 404$/],
  ['UNAVAILABLE', sending(200, 'hunter2'), /not Vault's, with HTTP status 200$/],
  ['UNAVAILABLE', sending(200, `{"data":"${'x'.repeat(70_000)}"}`), /not Vault's/],
  ['UNAVAILABLE', sending(200, '{"data":{}}'), /an answer without a plaintext$/],
  ['UNAVAILABLE', sending(307, '', { location: 'http://127.0.0.1:1/hunter2' }), /a redirect .*not followed$/],
  ['NOT_FOUND', saying(404, 'no handler for route'), /nothing is mounted there$/],
  ['NOT_FOUND', saying(404), /: not found$/],
  ['CORRUPT', saying(500, 'cipher: message authentication failed'), /authentication failed$/],
  ['CORRUPT', saying(400, 'invalid ciphertext: no prefix'), /: invalid ciphertext$/],
  [
    'DENIED',
    saying(400, "'[0].associated_data' provided for non-AEAD cipher suite rsa-2048"),
    /no associated data$/,
  ],
  ['DENIED', saying(400, 'refusing to use soft-deleted key'), /the key is soft-deleted$/],
  ['DENIED', saying(400, 'message encryption not supported for key type ed25519'), /does not encrypt$/],
  ['DENIED', saying(500, "missing 'context' for key derivation; the key was created"), /a derived one$/],
  ['CORRUPT', sending(200, '{"data":{"plaintext":"aHVudGVyMg=="}}'), /no DEK of 32 bytes/],
];

test('what Vault says becomes a code, in one line of ours; only what passes is tried again', async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const [code, answer, said] of answers) {
    fake.answer = answer;
    fake.calls.length = 0;
    await assert.rejects(kek.unwrap(wrapped, aad), (error) => {
      assert.ok(refusal(code, said)(error));
      assert.ok(error instanceof Error && !/hunter2|hvs\./.test(`${error.message}${error.stack}`));
      return true;
    });
    const isRead = /answer without/.test(String(said));
    assert.equal(fake.calls.length, code === 'UNAVAILABLE' && !isRead ? 3 : 1, String(said));
  }
});

test('what passes within the attempts is not noticed; what is silent or away costs a bounded time', async (t) => {
  const { fake, kek } = await opened(t);
  await kek.wrap(generateDek(), aad);
  fake.calls.length = 0;
  fake.answer = (response, request) => {
    if (fake.calls.length === 2) fake.answer = null;
    saying(503, 'Vault is sealed')(response, request);
  };
  await kek.wrap(generateDek(), aad);
  assert.deepEqual(fake.calls, Array(3).fill('transit/encrypt/rekey'));
  fake.answer = silent;
  const began = performance.now();
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('UNAVAILABLE', /cannot be reached/));
  const ms = performance.now() - began;
  assert.ok(ms > 8_000 && ms < 25_000, `${Math.round(ms)} ms`);
  const away = await openKek(
    `hcvault:http://127.0.0.1:1/transit/keys/rekey?token_file=${await keyFile(token)}`,
  );
  await assert.rejects(
    away.wrap(generateDek(), aad),
    refusal('UNAVAILABLE', /ECONNREFUSED|cannot be reached/),
  );
  await kek.close();
  await kek.close();
  await assert.rejects(kek.unwrap(Buffer.alloc(64, 1), aad), refusal('UNAVAILABLE', /closed/));
});

test('a rotation moves a tenant from a key file to Transit, with a constant number of calls', async (t) => {
  const { fake, kek } = await opened(t);
  const core = await rotationCore(t);
  const tenant = await seedTenant(core.vault, 340);
  const keks = createKeks(kek, core.kek);
  const { createKeyring } = await import('@rekey/keyring');
  Object.assign(core.env, { keks, keyring: createKeyring({ store: core.store, keks }) });
  assert.equal((await core.startAndRotate(tenant.tenantId)).status, 'completed');
  const used = fake.calls.filter((path) => path.startsWith('transit/'));
  assert.deepEqual(used, ['transit/encrypt/rekey', 'transit/decrypt/rekey']);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll({ store: core.store, keks }, tenant.tenantId), values), []);
});
