import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { type Kek, openKek } from '@rekey/kms';
import {
  type FakeAzureKv,
  fakeAzureKv,
  identityOf,
  newAesVersion,
  newVersion,
  saying,
} from '../harness/fake-azure-kv.ts';
import { crc32c } from '../harness/fake-gcp-kms.ts';
import { packagesOfOthers } from '../harness/packages-of-others.ts';
import { refusal } from '../kms/key-files.ts';

const skip = await packagesOfOthers(import.meta.dirname, {
  name: "Microsoft's client of Key Vault",
  megabytes: 60,
});

/** What is used of it: its own types are there only where it is. */
interface Client {
  wrapKey(algorithm: string, key: Buffer): Promise<{ readonly result: Uint8Array; readonly keyID: string }>;
  unwrapKey(algorithm: string, wrapped: Buffer): Promise<{ readonly result: Uint8Array }>;
}
interface Request {
  url: string;
  allowInsecureConnection: boolean;
}

const vault = 'https://myvault.vault.azure.net';
const aad = dekWrapAad(randomUUID(), randomUUID());

/** One for all: Microsoft's library finds the source of its tokens once in a process. */
const fake = await fakeAzureKv();
Object.assign(process.env, identityOf(fake));
const here = { resource: fake.resource, named: fake.named };

/** From now on the server is our provider's vault on this machine, or that vault of Azure, which the client asks. */
const beHere = (): unknown => Object.assign(fake, here);
const beAzure = (): unknown => Object.assign(fake, { resource: 'https://vault.azure.net', named: vault });

async function opened(t: TestContext): Promise<{ fake: FakeAzureKv; kek: Kek; scopes: unknown[] }> {
  Object.assign(fake, { answer: null, identity: null, mayGet: true });
  fake.keys.clear();
  fake.keys.set('rekey', [newVersion()]);
  fake.calls.length = 0;
  beHere();
  const kek = await openKek(fake.uri());
  t.after(() => kek.close());
  return { fake, kek, scopes: [] };
}

/** Asks `https://myvault.vault.azure.net`, with all that the client checks of a vault; only the way there is ours. */
async function clientOf(key: string, scopes: unknown[] = []): Promise<Client> {
  const [keys, pipeline]: string[] = ['@azure/keyvault-keys', '@azure/core-rest-pipeline'];
  const { CryptographyClient } = await import(keys ?? '');
  const { createDefaultHttpClient } = await import(pipeline ?? '');
  const inner = createDefaultHttpClient();
  const httpClient = {
    async sendRequest(request: Request) {
      const { url } = request;
      assert.ok(url.startsWith(`${vault}/`));
      // The answer names the request, whose address the client looks at.
      Object.assign(request, { url: url.replace(vault, fake.origin), allowInsecureConnection: true });
      try {
        return await inner.sendRequest(request);
      } finally {
        Object.assign(request, { url, allowInsecureConnection: false });
      }
    },
  };
  const credential = {
    async getToken(scope: unknown) {
      scopes.push(scope);
      const token = `eyJ.${randomUUID()}`;
      fake.tokens.add(token);
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  return new CryptographyClient(`${vault}/keys/${key}`, credential, {
    httpClient,
    retryOptions: { maxRetries: 0 },
  });
}

/** The parts of a wrapped DEK, by docs/ciphertext-format.md and no code of the provider's. */
function partsOf(wrapped: Buffer): { version: string; blob: Buffer; bound: Buffer; sealed: Buffer } {
  const end = 23 + wrapped.readUInt16BE(21);
  return {
    version: wrapped.toString('hex', 5, 21),
    blob: wrapped.subarray(23, end),
    bound: Buffer.concat([wrapped.subarray(5, end), aad]),
    sealed: wrapped.subarray(end),
  };
}

function wrappedOf(version: string, blob: Buffer, inner: Buffer, dek: Buffer): Buffer {
  const head = Buffer.alloc(18);
  head.write(version, 'hex');
  head.writeUInt16BE(blob.length, 16);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', inner, iv).setAAD(Buffer.concat([head, blob, aad]));
  const sealed = [iv, cipher.update(dek), cipher.final(), cipher.getAuthTag()];
  const after = Buffer.concat([head, blob, ...sealed]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(after));
  return Buffer.concat([Buffer.of(2), checksum, after]);
}

for (const [kind, algorithm, make] of [
  ['an RSA key', 'RSA-OAEP-256', newVersion],
  ['an AES key', 'A256KW', newAesVersion],
] as const)
  test(`Microsoft's client unwraps what we wrapped, and we what it wrapped, with ${kind}`, {
    skip,
  }, async (t) => {
    const { fake, scopes } = await opened(t);
    fake.keys.set('one', [make(), make()]);
    const kek = await openKek(`${fake.uri('one')}?alg=${algorithm}`);
    t.after(() => kek.close());
    const dek = generateDek();
    const { version, blob, bound, sealed } = partsOf(await kek.wrap(dek, aad));

    beAzure();
    const client = await clientOf(`one/${version}`, scopes);
    const inner = Buffer.from((await client.unwrapKey(algorithm, blob)).result);
    const opener = createDecipheriv('aes-256-gcm', inner, sealed.subarray(0, 12)).setAAD(bound);
    opener.setAuthTag(sealed.subarray(-16));
    assert.deepEqual(Buffer.concat([opener.update(sealed.subarray(12, -16)), opener.final()]), dek);
    assert.deepEqual(scopes, [['https://vault.azure.net/.default']]);

    // The latest, by the name without a version.
    const made = randomBytes(32);
    const { result, keyID } = await (await clientOf('one')).wrapKey(algorithm, made);
    assert.equal(keyID, `${vault}/keys/one/${fake.keys.get('one')?.at(-1)?.version}`);
    beHere();
    const theirs = wrappedOf(keyID.slice(-32), Buffer.from(result), made, dek);
    assert.deepEqual(await kek.unwrap(theirs, aad), dek);
  });

test("Microsoft's client and our provider meet the same refusals", { skip }, async (t) => {
  const { fake, kek } = await opened(t);
  const wrapped = await kek.wrap(generateDek(), aad);
  const { version, blob } = partsOf(wrapped);
  const client = await clientOf(`rekey/${version}`);
  const [pair] = fake.keys.get('rekey') ?? [];
  assert.ok(pair);
  const both = async (
    [status, code]: readonly [number, string],
    ours: 'CORRUPT' | 'DENIED' | 'NOT_FOUND' | 'UNAVAILABLE',
  ): Promise<void> => {
    beAzure();
    await assert.rejects(client.unwrapKey('RSA-OAEP-256', blob), (error) => {
      assert.ok(error instanceof Error && 'statusCode' in error && 'code' in error, String(error));
      assert.deepEqual([error.statusCode, error.code], [status, code]);
      return true;
    });
    beHere();
    await assert.rejects(kek.unwrap(wrapped, aad), refusal(ours), code);
  };
  pair.isEnabled = false;
  await both([403, 'Forbidden'], 'DENIED');
  pair.isEnabled = true;
  for (const [answer, theirs, ours] of [
    [saying(403, 'Forbidden', 'ForbiddenByRbac'), [403, 'Forbidden'], 'DENIED'],
    [saying(429, 'Throttled'), [429, 'Throttled'], 'UNAVAILABLE'],
    [saying(503, 'ServiceUnavailable'), [503, 'ServiceUnavailable'], 'UNAVAILABLE'],
    [saying(409, 'Conflict', 'ObjectIsBeingRecovered'), [409, 'Conflict'], 'UNAVAILABLE'],
  ] as const) {
    fake.answer = answer;
    await both(theirs, ours);
  }
  fake.answer = null;
  fake.keys.set('rekey', [{ ...newVersion(), version: pair.version }]);
  await both([400, 'BadParameter'], 'CORRUPT');
  fake.keys.clear();
  await both([404, 'KeyNotFound'], 'NOT_FOUND');
});

test('a right to look at keys is needed by neither, and a token for another domain is asked for by neither', {
  skip,
}, async (t) => {
  const { fake, kek } = await opened(t);
  fake.mayGet = false;
  const made = randomBytes(32);
  beAzure();
  const scopes: unknown[] = [];
  const client = await clientOf('rekey', scopes);
  const { result } = await client.wrapKey('RSA-OAEP-256', made);
  assert.deepEqual(Buffer.from((await client.unwrapKey('RSA-OAEP-256', Buffer.from(result))).result), made);
  beHere();
  await kek.wrap(generateDek(), aad);

  for (const resource of ['https://management.azure.com', 'https://vault.azure.net.example.com']) {
    beAzure();
    fake.resource = resource;
    scopes.length = 0;
    const another = await clientOf('rekey', scopes);
    await assert.rejects(another.wrapKey('RSA-OAEP-256', made), /does not match the requested domain/);
    assert.deepEqual(scopes, [], resource);
    const strange = await openKek(fake.uri());
    t.after(() => strange.close());
    await assert.rejects(strange.wrap(generateDek(), aad), refusal('DENIED', /another domain than its own/));
  }
});
