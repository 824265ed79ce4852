import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { refusalKeptMs } from '@rekey/times';
import { openKek } from '@rekey/vault';
import { type Answer, type FakeTransit, fakeTransit, saying } from '../harness/fake-transit.ts';
import { rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { outcome, refusal } from '../harness/vault-errors.ts';
import { until } from '../harness/wait.ts';
import { keyFile } from '../kms/key-files.ts';

/** The 5 and the 60 minutes of an installation. */
const [dekAgeMaxMs, dekAgeMaxMsWhileAway] = [1_500, 6_000];
const token = 'hvs.token-of-a-test';

/** A vault whose KEK is at a KMS of its own, with a tenant that has a record. */
async function vaultAtKms(t: TestContext) {
  const core = await rotationCore(t);
  const kms = await fakeTransit(t);
  kms.tokens.set(token, { endsAt: Date.now() + 3_600_000, mayUse: true, renewals: 0 });
  const kek = await openKek(kms.uri({ token_file: await keyFile(`${token}\n`) }));
  t.after(() => kek.close());
  const vault = core.anotherVault({ kek, dekAgeMaxMs, dekAgeMaxMsWhileAway });
  const tenantId = crypto.randomUUID();
  const record = { target: 'secrets', tenantId, id: crypto.randomUUID() };
  await vault.createTenant({ tenantId, name: 'a tenant' });
  const put = (text: string): Promise<void> =>
    vault.put({ ...record, value: Buffer.from(text), columns: { name: 'a secret' } });
  await put('first');
  const both = async (): Promise<string> => {
    const came = await Promise.all([outcome(vault.get(record)), outcome(put('again'))]);
    return [...new Set(came)].join(' and ');
  };
  /** What gets and puts come to, in order, until they come to `last`. */
  const cameTo = async (last: string): Promise<{ readonly came: string[]; readonly ms: number }> => {
    const came = new Set<string>();
    const began = performance.now();
    await until(async () => came.add(await both()).has(last), { what: last, everyMs: 20 });
    return { came: [...came], ms: performance.now() - began };
  };
  return { core, kms, vault, record, put, both, cameTo };
}

const refusals: Readonly<Record<string, (kms: FakeTransit) => void>> = {
  'denied: a policy was taken away': (kms) => {
    for (const [name, one] of kms.tokens) kms.tokens.set(name, { ...one, mayUse: false });
  },
  'not found: the key was deleted': (kms) => void kms.keys.delete('transit/rekey'),
};

for (const [what, refuse] of Object.entries(refusals))
  test(`${what}: get and put go on for the age of a DEK, then throw KEK_SUSPENDED; given back, they go on within a second`, (t) =>
    upToThreeTimes(t, async () => {
      const { core, kms, vault, record, cameTo } = await vaultAtKms(t);
      const [key] = kms.keys.values();
      assert.ok(key);
      refuse(kms);
      const { came, ms } = await cameTo('KEK_SUSPENDED');
      assert.deepEqual(came, ['done', 'KEK_SUSPENDED']);
      assert.ok(ms > 0.4 * dekAgeMaxMs && ms < 1.3 * dekAgeMaxMs, `${ms} ms`);
      await assert.rejects(vault.get(record), (error: Error) => {
        assert.ok(!error.message.includes(token) && !error.message.includes('hunter2'), error.message);
        return refusal('KEK_SUSPENDED')(error);
      });
      await assert.rejects(
        vault.putMany({ ...record, records: [{ id: record.id, value: Buffer.of(1) }] }),
        refusal('KEK_SUSPENDED'),
      );
      await assert.rejects(vault.getMany({ ...record, ids: [record.id] }), refusal('KEK_SUSPENDED'));
      const found = await core.pool.query('select ciphertext from secrets where id = $1', [record.id]);
      const { ciphertext } = found.rows[0] as { ciphertext: Buffer };
      await assert.rejects(vault.open({ ...record, ciphertext }), refusal('KEK_SUSPENDED'));
      kms.keys.set('transit/rekey', key);
      for (const [name, one] of kms.tokens) kms.tokens.set(name, { ...one, mayUse: true });
      const again = await cameTo('done');
      assert.ok(again.ms < 2 * refusalKeptMs, `${again.ms} ms`);
      assert.equal((await vault.get(record))?.toString(), 'again');
    }));

const outages: Readonly<Record<string, Answer>> = {
  'sealed (503)': saying(503, 'Vault is sealed'),
  'cut off': (response) => void response.destroy(),
};

for (const [what, outage] of Object.entries(outages))
  test(`a KMS that is ${what}: get and put go on past the age of a DEK, without a pause when it is back`, (t) =>
    upToThreeTimes(t, async () => {
      const { kms, both } = await vaultAtKms(t);
      const came = new Set<string>();
      const useFor = (ms: number) => {
        const until0 = performance.now() + ms;
        return until(async () => came.add(await both()) && performance.now() > until0, {
          what: 'time has passed',
          everyMs: 20,
        });
      };
      kms.answer = outage;
      await useFor(2.5 * dekAgeMaxMs);
      kms.answer = null;
      await useFor(1.5 * dekAgeMaxMs);
      assert.deepEqual([...came], ['done']);
    }));

test('a KMS that is away for longer than the setting: UNAVAILABLE, which is not KEK_SUSPENDED', (t) =>
  upToThreeTimes(t, async () => {
    const { kms, both, cameTo } = await vaultAtKms(t);
    kms.answer = saying(503, 'Vault is sealed');
    const { came, ms } = await cameTo('UNAVAILABLE');
    assert.deepEqual(came, ['done', 'UNAVAILABLE']);
    assert.ok(ms > 0.8 * dekAgeMaxMsWhileAway && ms < 1.5 * dekAgeMaxMsWhileAway, `${ms} ms`);
    kms.answer = null;
    assert.equal(await both(), 'done');
  }));

test('a KMS that comes back refusing ends at once what only its absence has kept', (t) =>
  upToThreeTimes(t, async () => {
    const { kms, cameTo, both } = await vaultAtKms(t);
    kms.answer = saying(503, 'Vault is sealed');
    const away = performance.now();
    await until(async () => performance.now() - away > 2 * dekAgeMaxMs && (await both()) === 'done', {
      what: 'it goes on while the KMS is away',
    });
    kms.answer = saying(403, 'permission denied');
    const { came, ms } = await cameTo('KEK_SUSPENDED');
    assert.deepEqual(came, ['done', 'KEK_SUSPENDED']);
    assert.ok(ms < 0.6 * dekAgeMaxMs, `${ms} ms`);
  }));

test('ages that make no sense are refused', async (t) => {
  const core = await rotationCore(t);
  for (const ages of [
    { dekAgeMaxMs: 0 },
    { dekAgeMaxMs: Number.NaN },
    { dekAgeMaxMs: 2_000, dekAgeMaxMsWhileAway: 1_000 },
    { dekAgeMaxMsWhileAway: 86_400_001 },
  ])
    assert.throws(() => core.anotherVault(ages), refusal('INVALID_VALUE'));
});
