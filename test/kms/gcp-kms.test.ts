import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { createKeks, type Kek, type KmsErrorCode, openKek } from '@rekey/kms';
import {
  type Answer,
  crc32c,
  type FakeGcpKms,
  fakeGcpKms,
  newVersion,
  saying,
  sending,
  silent,
} from '../harness/fake-gcp-kms.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { refusal } from './key-files.ts';

const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);
const safe = /^Cloud KMS, projects\/[\w/-]+: [\w ()]+$/;

async function opened(t: TestContext): Promise<{ readonly fake: FakeGcpKms; readonly kek: Kek }> {
  const fake = await fakeGcpKms(t);
  process.env.GOOGLE_APPLICATION_CREDENTIALS = await fake.accounts.serviceAccountFile();
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

  fake.keys.get(fake.name)?.push(newVersion());
  const second = await kek.wrap(dek, aad);
  assert.deepEqual([first.readUInt32BE(1), second.readUInt32BE(1)], [1, 2]);
  assert.deepEqual(await kek.unwrap(first, aad), dek);
  assert.deepEqual(await kek.unwrap(second, aad), dek);
});

test("another tenant's or DEK's bytes are refused, and those of another key", async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const other of [dekWrapAad(randomUUID(), dekId), dekWrapAad(tenantId, randomUUID()), Buffer.from('x')])
    await assert.rejects(kek.unwrap(wrapped, other), refusal('CORRUPT', /: INVALID_ARGUMENT$/));
  const name = `${fake.name}-2`;
  fake.keys.set(name, [newVersion()]);
  const another = await openKek(fake.uri(name));
  await assert.rejects(another.unwrap(wrapped, aad), refusal('CORRUPT', /: INVALID_ARGUMENT$/));
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
  for (const other of [Buffer.of(1), Buffer.alloc(69, 2), Buffer.of(), Buffer.alloc(9, 1)])
    await assert.rejects(kek.unwrap(other, aad), refusal('CORRUPT', /not of the form/));
  assert.deepEqual(fake.calls, []);
});

test('a version that is disabled or will be destroyed denies, one that was destroyed is not found', async (t) => {
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  const [version] = fake.keys.get(fake.name) ?? [];
  assert.ok(version);
  for (const [state, code] of [
    ['DISABLED', 'DENIED'],
    ['DESTROY_SCHEDULED', 'DENIED'],
    ['DESTROYED', 'NOT_FOUND'],
  ] as const) {
    version.state = state;
    fake.calls.length = 0;
    await assert.rejects(kek.unwrap(wrapped, aad), refusal(code, new RegExp(`is ${state}\\)$`)));
    await assert.rejects(kek.wrap(dek, aad), refusal(code, safe));
    assert.deepEqual(fake.calls, ['decrypt', 'encrypt']);
  }
  version.state = 'ENABLED';
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);

  fake.accounts.mayUse = false;
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: PERMISSION_DENIED$/));
  fake.accounts.mayUse = true;
  fake.keys.clear();
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('NOT_FOUND', /: NOT_FOUND$/));
});

const answers: ReadonlyArray<readonly [KmsErrorCode, Answer, said: RegExp]> = [
  ['UNAVAILABLE', saying(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded'), /: RESOURCE_EXHAUSTED$/],
  ['UNAVAILABLE', saying(503, 'UNAVAILABLE'), /: UNAVAILABLE$/],
  ['UNAVAILABLE', saying(500, 'INTERNAL'), /: INTERNAL$/],
  ['UNAVAILABLE', saying(504, 'DEADLINE_EXCEEDED'), /: DEADLINE_EXCEEDED$/],
  ['UNAVAILABLE', saying(418, 'hunter2'), /unknown error with HTTP status 418$/],
  [
    'UNAVAILABLE',
    saying(400, 'INVALID_ARGUMENT', 'The checksum in field ciphertext_crc32c'),
    /garbled on the way\)$/,
  ],
  ['UNAVAILABLE', sending(502, '<html>hunter2'), /not Google's, with HTTP status 502$/],
  ['UNAVAILABLE', sending(403, '<html>hunter2'), /not Google's, with HTTP status 403$/],
  ['UNAVAILABLE', sending(200, 'hunter2'), /not Google's, with HTTP status 200$/],
  ['UNAVAILABLE', sending(200, `{"plaintext":"${'x'.repeat(70_000)}"}`), /not Google's/],
  ['UNAVAILABLE', sending(200, '{}'), /an answer without a plaintext$/],
  ['UNAVAILABLE', sending(307, '', { location: 'http://127.0.0.1:1/hunter2' }), /a redirect .*not followed$/],
  ['DENIED', saying(403, 'PERMISSION_DENIED'), /: PERMISSION_DENIED$/],
  ['DENIED', saying(400, 'FAILED_PRECONDITION', 'is for something else'), /: FAILED_PRECONDITION$/],
  ['DENIED', saying(400, 'FAILED_PRECONDITION', 'current state is: HUNTER'), /is not enabled\)$/],
  ['NOT_FOUND', saying(404, 'NOT_FOUND'), /: NOT_FOUND$/],
  ['CORRUPT', saying(400, 'INVALID_ARGUMENT', 'Decryption failed'), /: INVALID_ARGUMENT$/],
  ['CORRUPT', plaintext(Buffer.alloc(31, 3)), /no DEK of 32 bytes$/],
];

function plaintext(bytes: Buffer): Answer {
  const answer = { plaintext: bytes.toString('base64'), plaintextCrc32c: String(crc32c(bytes)) };
  return sending(200, JSON.stringify(answer));
}

test('what Google says becomes a code, in one line of ours; only what passes is tried again', async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  for (const [code, answer, said] of answers) {
    fake.answer = answer;
    fake.calls.length = 0;
    await assert.rejects(kek.unwrap(wrapped, aad), (error) => {
      assert.ok(refusal(code, said)(error));
      assert.ok(
        error instanceof Error && !/hunter2|HUNTER|Bearer|eyJ/.test(`${error.message}${error.stack}`),
      );
      return true;
    });
    assert.equal(fake.calls.length, code === 'UNAVAILABLE' ? 3 : 1, String(said));
  }
  fake.answer = saying(400, 'INVALID_ARGUMENT', 'is not for this');
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /: INVALID_ARGUMENT$/));
});

test('what is garbled on the way, either way, is noticed by its checksum and asked again', async (t) => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  const { fake, kek } = await opened(t);
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  const refuses = async (work: () => Promise<Buffer>, said: RegExp): Promise<void> => {
    fake.calls.length = 0;
    await assert.rejects(work, refusal('UNAVAILABLE', said));
    assert.equal(fake.calls.length, 3);
  };
  const wrap = () => kek.wrap(dek, aad);
  const unwrap = () => kek.unwrap(wrapped, aad);
  for (const [sent, work] of [
    ['plaintext', wrap],
    ['ciphertext', unwrap],
    ['additionalAuthenticatedData', wrap],
    ['additionalAuthenticatedData', unwrap],
  ] as const) {
    fake.garbles = { sent };
    await refuses(work, /garbled on the way\)$/);
  }
  for (const [answered, work] of [
    ['ciphertext', wrap],
    ['plaintext', unwrap],
  ] as const) {
    fake.garbles = { answered };
    await refuses(work, /checksum of the answer does not match it$/);
  }
  fake.garbles = {};
  for (const name of ['verifiedPlaintextCrc32c', 'verifiedAdditionalAuthenticatedDataCrc32c']) {
    fake.edit = (answer) => ({ ...answer, [name]: false });
    await refuses(wrap, /did not verify/);
  }
  fake.edit = ({ plaintextCrc32c: _, ...answer }) => answer;
  await refuses(unwrap, /does not match it$/);
  for (const name of [
    `${fake.name}-2/cryptoKeyVersions/1`,
    `${fake.name}/cryptoKeyVersions/01`,
    `${fake.name}/cryptoKeyVersions/1/cryptoKeyVersions/1`,
    undefined,
  ]) {
    fake.edit = (answer) => ({ ...answer, name });
    await assert.rejects(wrap, refusal('NOT_FOUND', /of another key$/));
  }
  fake.edit = null;
  assert.deepEqual(await unwrap(), dek);
});

test('what passes within the attempts is not noticed; what is silent or away costs a bounded time', async (t) => {
  const { fake, kek } = await opened(t);
  fake.answer = (response, request) => {
    if (fake.calls.length === 2) fake.answer = null;
    saying(429, 'RESOURCE_EXHAUSTED')(response, request);
  };
  await kek.wrap(generateDek(), aad);
  assert.deepEqual(fake.calls, Array(3).fill('encrypt'));
  fake.answer = silent;
  const began = performance.now();
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('UNAVAILABLE', /cannot be reached/));
  const ms = performance.now() - began;
  assert.ok(ms > 8_000 && ms < 25_000, `${Math.round(ms)} ms`);
  const away = await openKek(`gcp-kms:${fake.name}?endpoint=http://127.0.0.1:1`);
  await assert.rejects(away.wrap(generateDek(), aad), refusal('UNAVAILABLE', /cannot be reached/));
  await kek.close();
  await kek.close();
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('UNAVAILABLE', /closed/));
});

test('a rotation moves a tenant from a key file to Cloud KMS, with a constant number of calls', async (t) => {
  const { fake, kek } = await opened(t);
  const core = await rotationCore(t);
  const tenant = await seedTenant(core.vault, 340);
  const keks = createKeks(kek, core.kek);
  const { createKeyring } = await import('@rekey/keyring');
  Object.assign(core.env, { keks, keyring: createKeyring({ store: core.store, keks }) });
  assert.equal((await core.startAndRotate(tenant.tenantId)).status, 'completed');
  assert.deepEqual(fake.calls, ['encrypt', 'decrypt']);
  assert.deepEqual(fake.accounts.calls, []);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll({ store: core.store, keks }, tenant.tenantId), values), []);
});
