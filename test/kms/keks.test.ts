import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generateDek } from '@rekey/envelope';
import { asKeks, createKeks, KmsError, openKek } from '@rekey/kms';
import vector from '../vectors/local-wrap-v1.json' with { type: 'json' };
import { hex, keyFile, refusal } from './key-files.ts';

const aad = hex(vector.aad);

test('the id of a local KEK is its fingerprint: of the key, and not of where the file lies', async () => {
  const one = await openKek(`local:${await keyFile(hex(vector.kek))}`);
  const moved = await openKek(`local:${await keyFile(vector.kek)}`);
  assert.equal(one.id, `local:${vector.fingerprint}`);
  assert.equal(moved.id, one.id);
  assert.notEqual(moved.uri, one.uri);
  assert.notEqual((await openKek(`local:${await keyFile(generateDek())}`)).id, one.id);
});

test('new DEKs of every tenant are wrapped under the first KEK, and each KEK is found by its id', async () => {
  const path = await keyFile(generateDek());
  const [a, b] = [await openKek(`local:${path}`), await openKek(`local:${await keyFile(generateDek())}`)];
  const again = await openKek(`local:${await keyFile(await readFile(path))}`);
  const keks = createKeks(a, b, again);
  assert.equal(await keks.forTenant('whoever'), a);
  assert.equal(await keks.of(b.id), b);
  assert.equal(await keks.of(again.id), a, 'the same key given twice is one KEK');
  assert.deepEqual(keks.held, [a, b]);
  assert.equal(asKeks(keks), keks);
  assert.deepEqual(asKeks(b).held, [b]);
});

test('a KEK that is not held is refused by name, which no other process need agree to', async () => {
  const a = await openKek(`local:${await keyFile(generateDek())}`);
  const id = 'local:0123456789abcdef';
  await assert.rejects(createKeks(a).of(id), (error) => {
    assert.ok(refusal('NOT_HELD', /0123456789abcdef/)(error));
    return error instanceof KmsError && error.kekId === id;
  });
});

test('closing closes all of them', async () => {
  const [a, b] = [
    await openKek(`local:${await keyFile(generateDek())}`),
    await openKek(`local:${await keyFile(generateDek())}`),
  ];
  const wrapped = await b.wrap(generateDek(), aad);
  const keks = createKeks(a, b);
  await keks.close();
  await keks.close();
  await assert.rejects(a.wrap(generateDek(), aad), refusal('UNAVAILABLE'));
  await assert.rejects(b.unwrap(wrapped, aad), refusal('UNAVAILABLE'));
});

test('a provider is loaded when a KEK of its scheme is opened, and not before', async () => {
  const path = await keyFile(generateDek());
  const kms = fileURLToPath(new URL('../../packages/kms/src/index.ts', import.meta.url));
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const providers = () => loaded.filter((url) => url.includes('/providers/')).map((url) => url.replace(/.*\\//, ''));
    const { openKek } = await import(${JSON.stringify(kms)});
    const before = providers();
    await openKek(${JSON.stringify(`local:${path}`)});
    console.log(JSON.stringify({ before, after: providers(), all: loaded.length }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const { before, after, all } = JSON.parse(stdout);
  assert.deepEqual([before, after], [[], ['local.ts']]);
  assert.ok(all > 3, 'it was watched');
});

test('a provider whose package is not installed says which it needs', async () => {
  const kms = fileURLToPath(new URL('../../packages/kms/src/index.ts', import.meta.url));
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (!name.startsWith('@aws-sdk/')) return next(name, context);
      throw Object.assign(new Error('hunter2'), { code: 'ERR_MODULE_NOT_FOUND' });
    } });
    const { openKek } = await import(${JSON.stringify(kms)});
    await openKek('aws-kms:arn:hunter2').catch(({ code, message }) => console.log(code + ' ' + message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(
    stdout.trim(),
    'UNSUPPORTED_URI KEK: aws-kms: needs a package that is not installed: @aws-sdk/client-kms',
  );
});
