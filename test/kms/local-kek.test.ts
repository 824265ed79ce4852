import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { createLocalKeyFile, isTransient, KmsError, type KmsErrorCode, openKek } from '@rekey/kms';
import fc from 'fast-check';
import vector from '../vectors/local-wrap-v1.json' with { type: 'json' };

const folder = await mkdtemp(join(tmpdir(), 'rekey-kms-'));
after(() => rm(folder, { recursive: true }));

let made = 0;
async function keyFile(content: Buffer | string, mode = 0o600): Promise<string> {
  const path = join(folder, `key-${made++}`);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const refusal =
  (code: KmsErrorCode, message = /^[^\n]+$/) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof KmsError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]+$/);
    assert.equal(error.cause, undefined);
    return true;
  };

const kekBytes = hex(vector.kek);
const aad = hex(vector.aad);
const kek = await openKek(`local:${await keyFile(kekBytes)}`);

test('a DEK unwraps to what was wrapped, and never wraps the same way twice', async () => {
  const dek = generateDek();
  const before = Buffer.from(dek);
  const [one, two] = await Promise.all([kek.wrap(dek, aad), kek.wrap(dek, aad)]);
  assert.deepEqual(dek, before);
  assert.equal(one.length, 69);
  assert.notDeepEqual(one, two);
  const unwrapped = await kek.unwrap(one, aad);
  assert.deepEqual(unwrapped, dek);
  assert.equal(unwrapped.buffer.byteLength, 32);
  assert.deepEqual(await kek.unwrap(two, aad), dek);
  assert.ok(!one.includes(dek.subarray(0, 8)));
});

test('the committed wrapped DEK unwraps, and wrapping makes the committed header', async () => {
  assert.deepEqual(dekWrapAad(vector.tenantId, vector.dekId), aad);
  assert.deepEqual(await kek.unwrap(hex(vector.wrapped), aad), hex(vector.dek));
  const wrapped = await kek.wrap(hex(vector.dek), aad);
  assert.equal(wrapped.toString('hex', 0, 9), `01${vector.fingerprint}`);
  assert.equal(vector.wrapped.slice(0, 18), `01${vector.fingerprint}`);
});

test('a DEK wrapped under another KEK is told apart from a damaged one', async () => {
  const other = await openKek(`local:${await keyFile(generateDek())}`);
  const wrapped = await other.wrap(generateDek(), aad);
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('NOT_FOUND', /another KEK/));
});

test('any flipped bit is refused, and only one in the fingerprint looks like another KEK', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  for (let bit = 0; bit < wrapped.length * 8; bit++) {
    const flipped = Buffer.from(wrapped);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const code = bit >= 8 && bit < 72 ? 'NOT_FOUND' : 'CORRUPT';
    await assert.rejects(kek.unwrap(flipped, aad), refusal(code), `bit ${bit}`);
  }
});

test('a wrapped DEK cut at any length is corrupt', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  for (let length = 0; length < wrapped.length; length++) {
    await assert.rejects(kek.unwrap(wrapped.subarray(0, length), aad), refusal('CORRUPT'));
  }
  await assert.rejects(kek.unwrap(Buffer.concat([wrapped, Buffer.of(0)]), aad), refusal('CORRUPT'));
});

test('a wrapped DEK of another tenant or another DEK does not unwrap', async () => {
  const wrapped = await kek.wrap(generateDek(), aad);
  await fc.assert(
    fc.asyncProperty(fc.uuid(), fc.uuid(), async (tenantId, dekId) => {
      await assert.rejects(kek.unwrap(wrapped, dekWrapAad(tenantId, vector.dekId)), refusal('CORRUPT'));
      await assert.rejects(kek.unwrap(wrapped, dekWrapAad(vector.tenantId, dekId)), refusal('CORRUPT'));
    }),
    { numRuns: 20 },
  );
});

test('raw, hex and base64 of a key are the same KEK, with or without a line end', async () => {
  const wrapped = hex(vector.wrapped);
  const base64 = kekBytes.toString('base64');
  const lower = kekBytes.toString('hex');
  for (const text of [lower, lower.toUpperCase(), base64]) {
    for (const end of ['', '\n', '\r\n']) {
      const same = await openKek(`local:${await keyFile(text + end)}`);
      assert.deepEqual(await same.unwrap(wrapped, aad), hex(vector.dek));
    }
  }
});

test('every key reads the same from all three forms', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
      fc.pre(bytes.some((byte) => byte !== 0) && bytes.some((byte) => byte > 127));
      const key = Buffer.from(bytes);
      const raw = await openKek(`local:${await keyFile(key)}`);
      const wrapped = await raw.wrap(hex(vector.dek), aad);
      for (const text of [key.toString('hex'), key.toString('base64')]) {
        const same = await openKek(`local:${await keyFile(text)}`);
        assert.deepEqual(await same.unwrap(wrapped, aad), hex(vector.dek));
      }
    }),
    { numRuns: 25 },
  );
});

test('a file that holds no key of 32 bytes is refused, in one line with its path', async () => {
  const lower = kekBytes.toString('hex');
  const base64 = kekBytes.toString('base64');
  const contents = [
    ...[0, 1, 16, 31, 33, 63, 65, 127, 128, 10_000].map((length) => Buffer.alloc(length, 0xee)),
    Buffer.alloc(32), // zeros
    '0'.repeat(64),
    lower.slice(0, 32), // 128 bits in hex: not 32 raw bytes
    lower.slice(0, 63),
    `${lower}00`,
    `${lower}\n\n`,
    ` ${lower}`,
    lower.replace(/.$/, 'g'),
    base64.replace(/.=$/, '_='), // a foreign character
    base64.replace('=', ''),
    base64.replace(/.=$/, '/='), // bits behind the 32nd byte
    Buffer.concat([kekBytes, Buffer.from('\n')]),
  ];
  for (const content of contents) {
    const path = await keyFile(content);
    await assert.rejects(openKek(`local:${path}`), (error) => {
      assert.ok(refusal('CORRUPT')(error) && error instanceof KmsError);
      assert.ok(error.message.includes(path));
      assert.ok(!error.message.includes(lower.slice(0, 8)) && !error.message.includes(base64.slice(0, 8)));
      return true;
    });
  }
});

test('a key file that others can read or write is refused, and the message says chmod 600', async () => {
  for (const mode of [0o660, 0o620, 0o604, 0o602, 0o644, 0o666, 0o777]) {
    const path = await keyFile(kekBytes, mode);
    await assert.rejects(openKek(`local:${path}`), (error) => {
      assert.ok(refusal('DENIED')(error) && error instanceof KmsError);
      assert.ok(error.message.includes(`chmod 600 ${path}`));
      return true;
    });
  }
  for (const mode of [0o600, 0o400]) await openKek(`local:${await keyFile(kekBytes, mode)}`);
});

test('a key file that this user cannot read is refused', { skip: process.getuid?.() === 0 }, async () => {
  const path = await keyFile(kekBytes, 0o200);
  await assert.rejects(openKek(`local:${path}`), refusal('DENIED', /chmod 600/));
});

test('what editors and shells leave in a key file is named, each in one line that repeats nothing of it', async () => {
  const lower = kekBytes.toString('hex');
  const bytes = (...all: number[]): Buffer => Buffer.from(all);
  const rows: ReadonlyArray<[content: Buffer | string, says: RegExp]> = [
    ['', /it is empty/],
    [Buffer.concat([bytes(0xef, 0xbb, 0xbf), Buffer.from(lower)]), /byte order mark/],
    [Buffer.concat([bytes(0xff, 0xfe), Buffer.from(lower, 'utf16le')]), /UTF-16/],
    ['-----BEGIN PRIVATE KEY-----\nMC4=\n', /PEM/],
    [Buffer.concat([kekBytes, bytes(0x0a)]), /line end behind 32 bytes/],
    [` ${lower}`, /begins with white space/],
    [`${lower} `, /ends in white space/],
    [`${lower}\t\r\n`, /ends in white space/],
    [`${lower}\n\n`, /ends in white space, or in more than one line end/],
    [`${lower}\n${lower}\n`, /too many characters|more than one line/],
    [`KEK\n${lower}\n`, /more than one line/],
    [lower.slice(2), /it has 62 characters/],
    [`0x${lower}`, /it has 66 characters/],
    ['x'.repeat(5_000), /too many characters/],
    [Buffer.alloc(64, 0xee), /it has 64 bytes/],
    [Buffer.alloc(4_096, 0xee), /too many bytes/],
    [Buffer.alloc(32), /only zeros/],
  ];
  for (const [content, says] of rows) {
    await assert.rejects(openKek(`local:${await keyFile(content)}`), (error) => {
      assert.ok(refusal('CORRUPT', says)(error) && error instanceof KmsError);
      assert.match(error.message, /must hold a key of 32 bytes/);
      assert.ok(!error.message.includes(lower.slice(0, 8)));
      return true;
    });
  }
});

test('a folder, a pipe, a device and a socket are named, and none is waited for', async (t) => {
  const fifo = join(folder, 'fifo');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const socket = join(folder, 'socket');
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.after(() => {
    server.close();
  });
  for (const [path, says] of [
    [folder, /a folder, not a file/],
    [fifo, /a named pipe, not a file/],
    ['/dev/zero', /a device, not a file/],
    [socket, /a socket or a device, not a file/],
  ] as const) {
    await assert.rejects(openKek(`local:${path}`), refusal('INVALID_URI', says));
  }
});

test('a path that is not there, or not a file, is refused', async () => {
  await assert.rejects(openKek(`local:${join(folder, 'none')}`), refusal('NOT_FOUND', /none/));
  await assert.rejects(openKek(`local:${await keyFile('x')}/none`), refusal('NOT_FOUND'));
  await assert.rejects(openKek(`local:${folder}`), refusal('INVALID_URI'));
  await assert.rejects(openKek('local:/dev/null'), refusal('INVALID_URI'));
  await assert.rejects(openKek('local:'), refusal('INVALID_URI'));
  await assert.rejects(openKek('local:a\0b'), refusal('INVALID_URI'));
  await assert.rejects(openKek(`local:${'x'.repeat(5_000)}`), refusal('INVALID_URI'));
});

test('schemes that are planned are unsupported, others are invalid, and neither repeats what may be a secret', async () => {
  for (const scheme of ['aws-kms', 'gcp-kms', 'azure-kv', 'hcvault', 'pkcs11']) {
    await assert.rejects(openKek(`${scheme}://user:hunter2@host/key`), (error) => {
      assert.ok(refusal('UNSUPPORTED_URI', new RegExp(scheme))(error));
      assert.ok(error instanceof Error && !error.message.includes('hunter2'));
      return true;
    });
  }
  for (const uri of [
    '',
    'hunter2',
    ':hunter2',
    '/etc/key',
    'LOCAL:/key',
    'file:/hunter2',
    'x'.repeat(10_000),
  ]) {
    await assert.rejects(openKek(uri), (error) => {
      assert.ok(refusal('INVALID_URI')(error));
      assert.ok(error instanceof Error && !error.message.includes('hunter2') && error.message.length < 200);
      return true;
    });
  }
});

test('a new key file is private, holds 32 random bytes, and is never overwritten', async () => {
  const path = join(folder, 'fresh');
  await createLocalKeyFile(path);
  const bytes = await readFile(path);
  assert.equal(bytes.length, 32);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const fresh = await openKek(`local:${path}`);
  assert.equal(fresh.uri, `local:${path}`);
  assert.deepEqual(await fresh.unwrap(await fresh.wrap(hex(vector.dek), aad), aad), hex(vector.dek));

  await assert.rejects(createLocalKeyFile(path), refusal('DENIED', /never overwritten/));
  assert.deepEqual(await readFile(path), bytes);
  await assert.rejects(createLocalKeyFile(join(folder, 'no-folder', 'key')), refusal('NOT_FOUND'));
  await createLocalKeyFile(join(folder, 'fresh-2'));
  assert.notDeepEqual(await readFile(join(folder, 'fresh-2')), bytes);
});

test('of many that make the same key file at once, one does', async () => {
  const path = join(folder, 'contested');
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => createLocalKeyFile(path)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await readFile(path)).length, 32);
  assert.equal((await readdir(folder)).filter((name) => name.startsWith('contested')).length, 1);
});

test('a closed KEK does nothing more, and says so as trouble that passes', async () => {
  const closing = await openKek(`local:${await keyFile(kekBytes)}`);
  await closing.close();
  await closing.close();
  await assert.rejects(closing.wrap(hex(vector.dek), aad), refusal('UNAVAILABLE'));
  await assert.rejects(closing.unwrap(hex(vector.wrapped), aad), refusal('UNAVAILABLE'));
});

test('only UNAVAILABLE is transient', () => {
  const codes = ['INVALID_URI', 'UNSUPPORTED_URI', 'UNAVAILABLE', 'DENIED', 'NOT_FOUND', 'CORRUPT'] as const;
  const transient = codes.filter((code) => isTransient(new KmsError(code, 'x')));
  assert.deepEqual(transient, ['UNAVAILABLE']);
  for (const other of [
    Object.assign(new Error('x'), { code: 'UNAVAILABLE' }),
    { code: 'UNAVAILABLE' },
    'UNAVAILABLE',
    null,
    undefined,
  ]) {
    assert.equal(isTransient(other), false);
  }
});
