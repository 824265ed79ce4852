import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { fakeTransit, saying } from '../harness/fake-transit.ts';
import { until } from '../harness/wait.ts';
import { keyFile, refusal } from './key-files.ts';

const aad = Buffer.alloc(32, 7);
const inAnHour = (): number => Date.now() + 3_600_000;

for (const auth of ['approle', 'kubernetes'] as const)
  test(`by ${auth} it logs in once, again when the token is gone, and in a namespace`, async (t) => {
    const fake = await fakeTransit(t);
    fake.namespace = 'team/a';
    const file = await keyFile(`${fake.login.secret}\n`);
    const parameter = auth === 'approle' ? 'secret_id_file' : 'jwt_file';
    const kek = await openKek(fake.uri({ auth, role: 'rekey', namespace: 'team/a', [parameter]: file }));
    t.after(() => kek.close());
    assert.equal(kek.id, 'hcvault:team/a/transit/rekey');
    const [wrapped] = await Promise.all([kek.wrap(generateDek(), aad), kek.wrap(generateDek(), aad)]);
    assert.deepEqual(
      fake.calls.filter((path) => path.startsWith('auth/')),
      [`auth/${auth}/login`],
    );
    fake.tokens.clear();
    fake.calls.length = 0;
    await kek.unwrap(wrapped, aad);
    assert.deepEqual(fake.calls, [
      'transit/decrypt/rekey',
      'auth/token/lookup-self',
      `auth/${auth}/login`,
      'transit/decrypt/rekey',
    ]);
    // The secret was exchanged, and ours is refused.
    fake.tokens.clear();
    fake.login.secret = 'another';
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /the login is refused$/));
    await writeFile(file, 'another');
    await kek.unwrap(wrapped, aad);
  });

test('a token that its policy forbids the key is not exchanged for another', async (t) => {
  const fake = await fakeTransit(t);
  const file = await keyFile(fake.login.secret);
  const kek = await openKek(fake.uri({ auth: 'approle', role: 'rekey', secret_id_file: file }));
  t.after(() => kek.close());
  await kek.wrap(generateDek(), aad);
  for (const [token, state] of fake.tokens) fake.tokens.set(token, { ...state, mayUse: false });
  fake.calls.length = 0;
  await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', /permission denied$/));
  assert.deepEqual(fake.calls, ['transit/encrypt/rekey', 'auth/token/lookup-self']);
});

test('a token is renewed at two thirds of its lease, also after an outage, and exchanged where it cannot be', async (t) => {
  const fake = await fakeTransit(t);
  // A third of it is what a slow machine may be late by.
  fake.login.leaseSeconds = 9;
  const file = await keyFile(fake.login.secret);
  const kek = await openKek(fake.uri({ auth: 'approle', role: 'rekey', secret_id_file: file }));
  t.after(() => kek.close());
  const wrapped = await kek.wrap(generateDek(), aad);
  const [state] = fake.tokens.values();
  await until(() => (state?.renewals ?? 0) >= 1, { what: 'it was renewed' });
  const { length } = fake.calls;
  fake.answer = saying(503, 'Vault is sealed');
  await until(() => fake.calls.length > length, {
    what: 'it asks while the server is sealed',
  });
  fake.answer = null;
  await until(() => (state?.renewals ?? 0) >= 2, { what: 'it was renewed again' });
  await kek.unwrap(wrapped, aad);
  assert.equal(fake.calls.filter((path) => path.endsWith('/login')).length, 1);
  // What can be renewed no more is logged in anew, when it is needed.
  fake.answer = saying(403, 'permission denied');
  const before = fake.calls.length;
  await until(() => fake.calls.length > before, { what: 'it asks' });
  await sleep(1_000); // it is counted when it arrives, and answered after its body was read
  fake.answer = null;
  await kek.unwrap(wrapped, aad);
  assert.equal(fake.calls.at(-2), 'auth/approle/login');
});

test('a given token is read again when it is refused; without one nothing is asked', async (t) => {
  const fake = await fakeTransit(t);
  fake.tokens.set('hvs.first', { endsAt: inAnHour(), mayUse: true, renewals: 0 });
  const file = await keyFile('hvs.first');
  const kek = await openKek(fake.uri({ token_file: file }));
  t.after(() => kek.close());
  const wrapped = await kek.wrap(generateDek(), aad);
  fake.tokens.delete('hvs.first');
  await assert.rejects(kek.unwrap(wrapped, aad), refusal('DENIED', /permission denied$/));
  fake.tokens.set('hvs.second', { endsAt: inAnHour(), mayUse: true, renewals: 0 });
  await writeFile(file, 'hvs.second\n');
  await kek.unwrap(wrapped, aad);

  fake.calls.length = 0;
  const none = await openKek(fake.uri());
  await assert.rejects(
    none.wrap(generateDek(), aad),
    refusal('DENIED', /no secret in the environment as VAULT_TOKEN/),
  );
  process.env.VAULT_TOKEN = 'hunter2\r\nx: y';
  t.after(() => delete process.env.VAULT_TOKEN);
  await assert.rejects(none.wrap(generateDek(), aad), (error) => {
    assert.ok(refusal('DENIED')(error));
    return error instanceof Error && !error.message.includes('hunter2');
  });
  const open = await openKek(fake.uri({ token_file: await keyFile('hvs.second', 0o644) }));
  await assert.rejects(open.wrap(generateDek(), aad), refusal('DENIED', /everybody can read it/));
  const gone = await openKek(fake.uri({ token_file: '/nowhere/token' }));
  await assert.rejects(gone.wrap(generateDek(), aad), refusal('UNAVAILABLE', /cannot be read \(ENOENT\)/));
  assert.deepEqual(fake.calls, []);
  process.env.VAULT_TOKEN = 'hvs.second';
  await none.unwrap(wrapped, aad);
});

test('the id is namespace, mount and name, wherever the server is; two clusters are told apart', async () => {
  const id = async (rest: string): Promise<string> => (await openKek(`hcvault:${rest}`)).id;
  const uri = 'https://vault.example.com:8200/a/transit/keys/k';
  assert.equal(await id(uri), 'hcvault:a/transit/k');
  assert.equal(await id('//vault.example.com/a/transit/keys/k'), 'hcvault:a/transit/k');
  assert.equal(await id('https://[::1]/transit/keys/k?namespace=a'), 'hcvault:a/transit/k');
  assert.equal(await id(`${uri}?cluster=eu`), 'hcvault:eu@a/transit/k');
});

test('URIs that name no key, or would send a token elsewhere, are refused without a packet', async () => {
  const key = 'https://vault.example.com/transit/keys/k';
  for (const rest of [
    '',
    'hunter2',
    '/transit/keys/hunter2',
    'https://vault.example.com/hunter2',
    'http://hunter2.example.com/transit/keys/k',
    'http://127.0.0.1.hunter2.example.com/transit/keys/k',
    'http://127.0.0.1@hunter2.example.com/transit/keys/k',
    'https://user:hunter2@vault.example.com/transit/keys/k',
    'file:///hunter2/transit/keys/k',
    'https://vault.example.com/../hunter2/keys/k',
    'https://vault.example.com/transit/keys/..',
    'https://vault.example.com/transit/keys/k/hunter2',
    'https://vault.example.com/transit/keys/hunter2%2f..',
    'https://vault.example.com:hunter2/transit/keys/k',
    `${key}#hunter2`,
    `${key}\n`,
    `${key}?token=hunter2`,
    `${key}?auth=hunter2`,
    `${key}?auth=approle`,
    `${key}?auth=approle&role=r&secret_id=hunter2`,
    `${key}?auth=approle&role=r&token_file=/hunter2`,
    `${key}?auth=token&role=hunter2`,
    `${key}?namespace=../hunter2`,
    `${key}?namespace=a&namespace=hunter2`,
    `${key}?namespace=a%0d%0ahunter2`,
    `${key}?auth=kubernetes&role=r&auth_mount=../hunter2`,
    `${key}?token_file=hunter2`,
    `${key}?cluster=@hunter2`,
  ])
    await assert.rejects(
      openKek(`hcvault:${rest}`),
      (error) => {
        assert.ok(refusal('INVALID_URI')(error));
        return error instanceof Error && !error.message.includes('hunter2');
      },
      rest,
    );
});
