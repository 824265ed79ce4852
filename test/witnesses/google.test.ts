import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { type Kek, openKek } from '@rekey/kms';
import { crc32c, type FakeGcpKms, fakeGcpKms, newVersion, saying } from '../harness/fake-gcp-kms.ts';
import { packagesOfOthers } from '../harness/packages-of-others.ts';
import { refusal } from '../kms/key-files.ts';

const skip = await packagesOfOthers(import.meta.dirname, {
  name: "Google's client of Cloud KMS",
  megabytes: 60,
});

/** What is used of it: its own types are there only where it is. */
interface Client {
  encrypt(request: object): Promise<[Answer]>;
  decrypt(request: object): Promise<[Answer]>;
  close(): Promise<void>;
}
interface Answer {
  readonly name: string;
  readonly ciphertext: Buffer;
  readonly ciphertextCrc32c: { readonly value: string };
  readonly plaintext: Buffer;
  readonly plaintextCrc32c: { readonly value: string };
  readonly usedPrimary: boolean;
  readonly verifiedPlaintextCrc32c: boolean;
  readonly verifiedAdditionalAuthenticatedDataCrc32c: boolean;
  readonly protectionLevel: string;
}

const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);
const other = dekWrapAad(randomUUID(), dekId);
/** Of the codes of gRPC, as the client has them also where it speaks REST. */
const code = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNAUTHENTICATED: 16,
};
const refused = (name: keyof typeof code) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === code[name];

/** Its own retries are for outages of a minute; the server is asked for one answer. */
async function opened(t: TestContext): Promise<{ fake: FakeGcpKms; kek: Kek; google: Client }> {
  const fake = await fakeGcpKms(t);
  const file = await fake.accounts.serviceAccountFile();
  process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
  const kek = await openKek(fake.uri());
  t.after(() => kek.close());
  const name: string = '@google-cloud/kms';
  const { KeyManagementServiceClient } = await import(name);
  const { hostname, port } = new URL(fake.endpoint);
  const google: Client = new KeyManagementServiceClient({
    fallback: true,
    apiEndpoint: hostname,
    port: Number(port),
    protocol: 'http',
  });
  t.after(() => google.close());
  return { fake, kek, google };
}

/** The ciphertext of Cloud KMS in a wrapped DEK, and back: docs/ciphertext-format.md. */
const ciphertextOf = (wrapped: Buffer): Buffer => wrapped.subarray(9);
function wrappedOf(version: number, ciphertext: Buffer): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(version);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(Buffer.concat([number, ciphertext])));
  return Buffer.concat([Buffer.of(1), number, checksum, ciphertext]);
}

test("Google's client unwraps what we wrapped, and we what it wrapped, under each version", {
  skip,
}, async (t) => {
  const { fake, kek, google } = await opened(t);
  const dek = generateDek();
  for (const version of [1, 2]) {
    if (version === 2) fake.keys.get(fake.name)?.push(newVersion());
    const [theirs] = await google.encrypt({
      name: fake.name,
      plaintext: dek,
      plaintextCrc32c: { value: crc32c(dek) },
      additionalAuthenticatedData: aad,
      additionalAuthenticatedDataCrc32c: { value: crc32c(aad) },
    });
    assert.equal(theirs.name, `${fake.name}/cryptoKeyVersions/${version}`);
    assert.equal(Number(theirs.ciphertextCrc32c.value), crc32c(theirs.ciphertext));
    assert.ok(theirs.verifiedPlaintextCrc32c && theirs.verifiedAdditionalAuthenticatedDataCrc32c);
    assert.equal(theirs.protectionLevel, 'SOFTWARE');
    assert.deepEqual(await kek.unwrap(wrappedOf(version, theirs.ciphertext), aad), dek);

    const ours = ciphertextOf(await kek.wrap(dek, aad));
    const [back] = await google.decrypt({
      name: fake.name,
      ciphertext: ours,
      ciphertextCrc32c: { value: crc32c(ours) },
      additionalAuthenticatedData: aad,
    });
    assert.deepEqual(back.plaintext, dek);
    assert.equal(Number(back.plaintextCrc32c.value), crc32c(dek));
    assert.equal(back.usedPrimary, true);
  }
});

test('a client that sends no checksum is served, and told that none was verified', { skip }, async (t) => {
  const { fake, google } = await opened(t);
  const [answer] = await google.encrypt({ name: fake.name, plaintext: generateDek() });
  assert.equal(answer.verifiedPlaintextCrc32c, false);
  assert.equal(answer.verifiedAdditionalAuthenticatedDataCrc32c, false);
  assert.equal(Number(answer.ciphertextCrc32c.value), crc32c(answer.ciphertext));
});

test("Google's client and our provider meet the same refusals", { skip }, async (t) => {
  const { fake, kek, google } = await opened(t);
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  const [version] = fake.keys.get(fake.name) ?? [];
  assert.ok(version);
  const both = async (
    name: keyof typeof code,
    ours: 'CORRUPT' | 'DENIED' | 'NOT_FOUND' | 'UNAVAILABLE',
    bound = aad,
  ): Promise<void> => {
    const request = {
      name: fake.name,
      ciphertext: ciphertextOf(wrapped),
      additionalAuthenticatedData: bound,
    };
    await assert.rejects(google.decrypt(request), refused(name), name);
    await assert.rejects(kek.unwrap(wrapped, bound), refusal(ours), name);
  };
  await both('INVALID_ARGUMENT', 'CORRUPT', other);
  for (const state of ['DISABLED', 'DESTROY_SCHEDULED']) {
    version.state = state;
    await both('FAILED_PRECONDITION', 'DENIED');
  }
  version.state = 'DESTROYED';
  await both('FAILED_PRECONDITION', 'NOT_FOUND');
  version.state = 'ENABLED';
  fake.accounts.mayUse = false;
  await both('PERMISSION_DENIED', 'DENIED');
  fake.accounts.mayUse = true;
  fake.answer = saying(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded');
  await both('RESOURCE_EXHAUSTED', 'UNAVAILABLE');
  fake.answer = null;
  fake.garbles = { sent: 'ciphertext' };
  const sum = { ciphertextCrc32c: { value: crc32c(ciphertextOf(wrapped)) } };
  const garbled = { name: fake.name, ciphertext: ciphertextOf(wrapped), ...sum };
  await assert.rejects(google.decrypt(garbled), (error) => {
    return refused('INVALID_ARGUMENT')(error) && /checksum/.test(String(error));
  });
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE', /garbled on the way/));
  fake.garbles = {};
  const keys = [...fake.keys];
  fake.keys.clear();
  await both('NOT_FOUND', 'NOT_FOUND');
  for (const [name, versions] of keys) fake.keys.set(name, versions);
  // Another key for the same account: neither is anybody who is known from then on.
  await fake.accounts.serviceAccountFile();
  await both('UNAUTHENTICATED', 'DENIED');
});

test("bytes of neither, and another key's, are refused to both", { skip }, async (t) => {
  const { fake, kek, google } = await opened(t);
  const name = `${fake.name}-2`;
  fake.keys.set(name, [newVersion()]);
  const [theirs] = await google.encrypt({
    name,
    plaintext: generateDek(),
    additionalAuthenticatedData: aad,
  });
  for (const ciphertext of [theirs.ciphertext, Buffer.concat([Buffer.of(1), randomBytes(60)])]) {
    const request = { name: fake.name, ciphertext, additionalAuthenticatedData: aad };
    await assert.rejects(google.decrypt(request), refused('INVALID_ARGUMENT'));
    await assert.rejects(kek.unwrap(wrappedOf(1, ciphertext), aad), refusal('CORRUPT', /INVALID_ARGUMENT$/));
  }
});
