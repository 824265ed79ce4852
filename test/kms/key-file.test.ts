import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLocalKeyFile, KmsError, openKek } from '@rekey/kms';
import vector from '../vectors/local-wrap-v1.json' with { type: 'json' };
import { folder, hex, keyFile, refusal } from './key-files.ts';

const kekBytes = hex(vector.kek);
const aad = hex(vector.aad);

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
