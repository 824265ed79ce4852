/** A machine whose clock is off, by an hour: what a KMS then refuses is said to be the clock's, and ends nobody's DEKs. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { answering, fakeAwsKms, refusing } from '../harness/fake-aws-kms.ts';
import { saying as azureSaying, fakeAzureKv, identityOf } from '../harness/fake-azure-kv.ts';
import { fakeGcpKms, saying as gcpSaying } from '../harness/fake-gcp-kms.ts';
import { awsCredentials } from '../harness/moto.ts';
import { refusal } from './key-files.ts';

// One for all: Microsoft's library keeps a process' source of tokens.
const azure = await fakeAzureKv();
Object.assign(process.env, identityOf(azure));
const aad = dekWrapAad(randomUUID(), randomUUID());
const hour = 3_600_000;
const off = [
  [hour, 'behind'],
  [-hour, 'ahead of'],
] as const;
/** As a server has it whose clock differs from ours by so much. */
const dateBy = (ms: number): string => new Date(Date.now() + ms).toUTCString();

for (const [ms, how] of off) {
  const said = new RegExp(` \\(the clock of this machine is (59|60|61) minutes ${how} the server's\\)$`);

  test(`aws-kms: with a clock ${how} AWS' by an hour calls are signed again by AWS' time`, async (t) => {
    Object.assign(process.env, awsCredentials);
    const fake = await fakeAwsKms(t);
    const kek = await openKek(fake.uri);
    t.after(() => kek.close());
    const blob = Buffer.alloc(150, 7).toString('base64');
    const signedAt: string[] = [];
    fake.answer = (request, response) => {
      const at = String(request.headers['x-amz-date']);
      signedAt.push(at);
      const iso = at.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
      const isOff = Math.abs(Date.parse(iso) - Date.now() - ms) > 5 * 60_000;
      response.setHeader('date', dateBy(ms));
      const answer = isOff ? refusing('InvalidSignatureException') : answering({ CiphertextBlob: blob });
      answer(request, response);
    };
    assert.equal((await kek.wrap(generateDek(), aad)).length, 151);
    assert.equal(signedAt.length, 2);
    await kek.wrap(generateDek(), aad);
    assert.equal(signedAt.length, 3, 'it is known from then on');
  });

  test(`aws-kms: a wrong secret is refused as one also with a clock ${how} AWS' by an hour`, async (t) => {
    Object.assign(process.env, awsCredentials);
    const fake = await fakeAwsKms(t);
    const kek = await openKek(fake.uri);
    t.after(() => kek.close());
    fake.answer = (request, response) => {
      response.setHeader('date', dateBy(ms));
      refusing('InvalidSignatureException')(request, response);
    };
    await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /: InvalidSignatureException$/));
    // The first time it could have been the clock.
    assert.equal(fake.calls.length, 2);
  });

  test(`gcp-kms: with a clock ${how} Google's by an hour it is said that this is why, and nothing is suspended`, async (t) => {
    const gcp = await fakeGcpKms(t);
    process.env.GOOGLE_APPLICATION_CREDENTIALS = await gcp.accounts.serviceAccountFile();
    const kek = await openKek(gcp.uri());
    t.after(() => kek.close());
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    gcp.answer = (response, request) => {
      response.setHeader('date', dateBy(ms));
      const [, claims = ''] = String(request.headers.authorization).split('.');
      const { iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      const now = (Date.now() + ms) / 1_000;
      assert.ok(iat > now + 300 || exp < now + 300, 'the token is of another time');
      gcpSaying(401, 'UNAUTHENTICATED')(response, request);
    };
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE', said));
    gcp.answer = null;
    assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
    gcp.answer = gcpSaying(401, 'UNAUTHENTICATED');
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: UNAUTHENTICATED$/));
    // What is withdrawn is, whatever the clock says.
    gcp.answer = (response, request) => {
      response.setHeader('date', dateBy(ms));
      gcpSaying(403, 'PERMISSION_DENIED')(response, request);
    };
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: PERMISSION_DENIED$/));
  });

  test(`azure-kv: with a clock ${how} Azure's by an hour it is said that this is why, and nothing is suspended`, async (t) => {
    const kek = await openKek(azure.uri());
    t.after(() => {
      Object.assign(azure, { answer: null, identity: null, clockMs: 0 });
      return kek.close();
    });
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    azure.clockMs = ms;
    azure.answer = azureSaying(401, 'Unauthorized');
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE', said));
    azure.answer = null;
    assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
    azure.answer = azureSaying(403, 'Forbidden', 'KeyDisabled');
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: KeyDisabled$/));
    azure.clockMs = 0;
    azure.answer = azureSaying(401, 'Unauthorized');
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /: Unauthorized$/));
  });
}

test('aws-kms: credentials that AWS says are over are looked for anew, also where the clock says they are good', async (t) => {
  Object.assign(process.env, awsCredentials);
  const fake = await fakeAwsKms(t);
  const kek = await openKek(fake.uri);
  t.after(async () => {
    Object.assign(process.env, awsCredentials);
    await kek.close();
  });
  const blob = Buffer.alloc(150, 7).toString('base64');
  const next = 'AKIAIOSFODNN7ANOTHER';
  fake.answer = (request, response) => {
    const isNext = String(request.headers.authorization).includes(next);
    (isNext ? answering({ CiphertextBlob: blob }) : refusing('ExpiredTokenException'))(request, response);
    // Whoever gives them out has given others by then.
    process.env.AWS_ACCESS_KEY_ID = next;
  };
  assert.equal((await kek.wrap(generateDek(), aad)).length, 151);
  assert.equal(fake.calls.length, 2);
});
