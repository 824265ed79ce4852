import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { createKeks, type Kek, type KmsErrorCode, openKek } from '@rekey/kms';
import { answering, fakeAwsKms, refusing, silent } from '../harness/fake-aws-kms.ts';
import { awsCredentials, type Moto, skipWithoutMoto, startMoto } from '../harness/moto.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { refusal } from './key-files.ts';

Object.assign(process.env, awsCredentials);
const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);
const arn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012';

test('with a key of AWS KMS', { skip: skipWithoutMoto }, async (t) => {
  let moto: Moto;
  let kek: Kek;
  before(async () => {
    moto = await startMoto(t);
    kek = await openKek(await moto.newKey());
  });

  await t.test('a DEK unwraps to what was wrapped, in memory of its own', async () => {
    const dek = generateDek();
    const sent = Buffer.from(dek);
    const wrapped = await kek.wrap(sent, aad);
    assert.deepEqual(sent, dek);
    assert.ok(wrapped.length <= 1_024 && !wrapped.includes(dek));
    const unwrapped = await kek.unwrap(wrapped, aad);
    assert.deepEqual(unwrapped, dek);
    assert.equal(unwrapped.buffer.byteLength, 32);
    assert.notDeepEqual(await kek.wrap(dek, aad), wrapped);
  });

  await t.test('what is bound shows in the log of AWS as two ids, and both are needed', async () => {
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    const operator = new KMSClient({ endpoint: moto.endpoint, region: 'eu-central-1' });
    const { Plaintext } = await operator.send(
      new DecryptCommand({
        CiphertextBlob: wrapped.subarray(1),
        EncryptionContext: { 'rekey:tenant': tenantId, 'rekey:dek': dekId },
      }),
    );
    assert.deepEqual(Buffer.from(Plaintext ?? []), dek);
    operator.destroy();
    for (const other of [
      dekWrapAad(randomUUID(), dekId),
      dekWrapAad(tenantId, randomUUID()),
      Buffer.from('x'),
    ])
      await assert.rejects(kek.unwrap(wrapped, other), refusal('CORRUPT', /InvalidCiphertextException/));
  });

  await t.test(
    'what is damaged, or of another form, is corrupt; what another key wrapped is told apart',
    async () => {
      const wrapped = await kek.wrap(generateDek(), aad);
      const damaged = Buffer.from(wrapped);
      damaged.writeUInt8((damaged.at(-1) ?? 0) ^ 1, damaged.length - 1);
      await assert.rejects(kek.unwrap(damaged, aad), refusal('CORRUPT'));
      for (const other of [Buffer.of(1), Buffer.alloc(69, 2), Buffer.of()])
        await assert.rejects(kek.unwrap(other, aad), refusal('CORRUPT', /not of the form/));
      const otherKek = await openKek(await moto.newKey());
      await assert.rejects(otherKek.unwrap(wrapped, aad), refusal('NOT_FOUND'));
    },
  );

  await t.test('a key that is not there is not found, and nothing is repeated of what was sent', async () => {
    const none = await openKek(`aws-kms:${arn}?endpoint=${moto.endpoint}`);
    await assert.rejects(none.wrap(generateDek(), aad), refusal('NOT_FOUND', /NotFoundException$/));
  });

  await t.test(
    'a rotation moves a tenant from a key file to AWS, with a constant number of calls',
    async () => {
      const core = await rotationCore(t);
      const tenant = await seedTenant(core.vault, 340);
      const calls = { wrap: 0, unwrap: 0 };
      const counted: Kek = {
        ...kek,
        wrap: (...given) => {
          calls.wrap += 1;
          return kek.wrap(...given);
        },
        unwrap: (...given) => {
          calls.unwrap += 1;
          return kek.unwrap(...given);
        },
      };
      const keks = createKeks(counted, core.kek);
      const { createKeyring } = await import('@rekey/keyring');
      Object.assign(core.env, { keks, keyring: createKeyring({ store: core.store, keks }) });
      const view = await core.startAndRotate(tenant.tenantId);
      assert.equal(view.status, 'completed');
      assert.deepEqual(calls, { wrap: 1, unwrap: 1 });
      const { rows } = await core.store.query('select kek_id from rekey.keks_in_use() order by deks, kek_id');
      assert.deepEqual(new Set(rows.map(({ kek_id }) => kek_id)), new Set([core.kek.id, kek.id]));
      const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
      const opened = await openAll({ store: core.store, keks }, tenant.tenantId);
      assert.deepEqual(wrong(opened, values), []);
      // And back.
      const back = createKeks(core.kek, kek);
      Object.assign(core.env, { keks: back, keyring: createKeyring({ store: core.store, keks: back }) });
      assert.equal((await core.startAndRotate(tenant.tenantId)).status, 'completed');
    },
  );
});

const names = {
  UNAVAILABLE: [
    'ThrottlingException',
    'LimitExceededException',
    'KMSInternalException',
    'DependencyTimeoutException',
    'KeyUnavailableException',
    'ServiceUnavailable',
    'InternalFailure',
    'ExpiredTokenException',
  ],
  DENIED: [
    'DisabledException',
    'KMSInvalidStateException',
    'AccessDeniedException',
    'InvalidGrantTokenException',
    'InvalidKeyUsageException',
    'UnrecognizedClientException',
    'InvalidSignatureException',
  ],
  NOT_FOUND: ['NotFoundException', 'IncorrectKeyException', 'InvalidArnException'],
  CORRUPT: ['InvalidCiphertextException'],
} as const satisfies Partial<Record<KmsErrorCode, readonly string[]>>;

const safe = /^AWS KMS, arn:\S+: [\w ()]+$/;

for (const [code, said] of Object.entries(names) as Array<[keyof typeof names, readonly string[]]>)
  test(`what AWS says is ${code} by its name, in one line of ours; only what passes is tried again`, async (t) => {
    const fake = await fakeAwsKms(t);
    const kek = await openKek(fake.uri);
    t.after(() => kek.close());
    const wrapped = Buffer.alloc(64, 1);
    for (const name of said) {
      fake.answer = refusing(name, code === 'UNAVAILABLE' ? 500 : 400);
      fake.calls.length = 0;
      await assert.rejects(kek.unwrap(wrapped, aad), (error) => {
        assert.ok(refusal(code, safe)(error));
        return error instanceof Error && error.message.endsWith(name);
      });
      assert.equal(fake.calls.length, code === 'UNAVAILABLE' ? 3 : 1, name);
      await assert.rejects(kek.wrap(generateDek(), aad), refusal(code, safe));
    }
  });

test('what passes within the attempts is not noticed; what nobody knows is waited out', async (t) => {
  const fake = await fakeAwsKms(t);
  const kek = await openKek(fake.uri);
  t.after(() => kek.close());
  const blob = Buffer.alloc(150, 7);
  fake.answer = (request, response) =>
    (fake.calls.length < 3
      ? refusing('ThrottlingException')
      : answering({ CiphertextBlob: blob.toString('base64') }))(request, response);
  assert.deepEqual(await kek.wrap(generateDek(), aad), Buffer.concat([Buffer.of(1), blob]));
  assert.deepEqual(fake.calls, ['Encrypt', 'Encrypt', 'Encrypt']);
  fake.answer = refusing('hunter2', 418);
  await assert.rejects(
    kek.wrap(generateDek(), aad),
    refusal('UNAVAILABLE', /unknown error with HTTP status 418$/),
  );
});

test('answers of another key, of no DEK, or without what they are for, are refused', async (t) => {
  const fake = await fakeAwsKms(t);
  const kek = await openKek(fake.uri);
  t.after(() => kek.close());
  const wrapped = Buffer.alloc(64, 1);
  const plain = (bytes: number, KeyId: string | undefined = fake.arn) =>
    answering({ Plaintext: Buffer.alloc(bytes, 3).toString('base64'), KeyId });
  fake.answer = plain(32);
  assert.deepEqual(await kek.unwrap(wrapped, aad), Buffer.alloc(32, 3));
  fake.answer = plain(32, fake.arn.replace('1234-', '4321-'));
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('NOT_FOUND', /another key/));
  for (const bytes of [0, 31, 33]) {
    fake.answer = plain(bytes);
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('CORRUPT'));
  }
  fake.answer = answering({});
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE'));
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('UNAVAILABLE'));
});

test('a KMS that is silent or away costs a bounded time', async (t) => {
  const fake = await fakeAwsKms(t);
  const kek = await openKek(fake.uri);
  t.after(() => kek.close());
  fake.answer = silent;
  const began = performance.now();
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('UNAVAILABLE'));
  const ms = performance.now() - began;
  assert.ok(ms > 8_000 && ms < 25_000, `${Math.round(ms)} ms`);
  const away = await openKek(`aws-kms:${arn}?endpoint=http://127.0.0.1:1`);
  await assert.rejects(away.wrap(generateDek(), aad), refusal('UNAVAILABLE', /ECONNREFUSED/));
  await kek.close();
  await kek.close();
  await assert.rejects(kek.unwrap(Buffer.alloc(64, 1), aad), refusal('UNAVAILABLE', /closed/));
});

test('the id is the ARN, of a multi-Region key the same everywhere, whatever the endpoint', async () => {
  const id = async (uri: string): Promise<string> => (await openKek(uri)).id;
  assert.equal(await id(`aws-kms:${arn}`), `aws-kms:${arn}`);
  assert.equal(await id(`aws-kms://${arn}?endpoint=https%3A%2F%2Fvpce-1.kms.example.com`), `aws-kms:${arn}`);
  const mrk = (region: string): string =>
    `aws-kms:arn:aws:kms:${region}:111122223333:key/mrk-${'ab'.repeat(16)}`;
  assert.equal(await id(mrk('eu-west-1')), await id(mrk('us-gov-west-1')));
  assert.notEqual(await id(mrk('eu-west-1')), await id(mrk('eu-west-1').replace('3333', '4444')));
});

test('URIs that name no key, or would send ours elsewhere, are refused without a packet', async () => {
  for (const rest of [
    '',
    'hunter2',
    'arn:aws:kms:eu-central-1:111122223333:alias/hunter2',
    'arn:aws:s3:::hunter2',
    `${arn}/hunter2`,
    `${arn}\n`,
    `${arn}?region=hunter2`,
    `${arn}?endpoint=https://a.example.com&endpoint=https://hunter2.example.com`,
    `${arn}?endpoint=https://user:hunter2@kms.example.com`,
    `${arn}?endpoint=http://hunter2.example.com`,
    `${arn}?endpoint=http://127.0.0.1.hunter2.example.com`,
    `${arn}?endpoint=file:///hunter2`,
    `${arn}?endpoint=hunter2`,
    `${arn}?endpoint=https://kms.example.com?hunter2`,
    `${arn}?endpoint=https://kms.example.com%23hunter2`,
    arn.replace('eu-central-1', 'eu-central-1.hunter2.example.com/'),
    arn.replace('111122223333', '*'),
  ])
    await assert.rejects(openKek(`aws-kms:${rest}`), (error) => {
      assert.ok(refusal('INVALID_URI')(error));
      return error instanceof Error && !error.message.includes('hunter2');
    });
});
