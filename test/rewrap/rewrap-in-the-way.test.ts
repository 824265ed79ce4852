import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  type ClaimedRewrap,
  claimRewrap,
  deksToRewrap,
  findRewrap,
  type RewrapView,
  startRewrap,
  steerRewrap,
  storeRewrapped,
} from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import { createKeks, KmsError } from '@rekey/kms';
import { rewrapDeks } from '@rekey/rotation';
import { kmsAway, testKek, troubledKek } from '../harness/kek.ts';
import { until } from '../harness/wait.ts';
import { ada, idle, rewrapping } from './rewrapping.ts';

const { core, old, fresh, owner, order, begin, claim, environment, finish, keksOf, aProcess, tell } =
  await rewrapping();
const { pool, store } = core;

test('only one rewrap at a time of the same DEKs; of one tenant it leaves the others alone', async () => {
  const [one, two] = [await core.createTenant(), await core.createTenant()];
  const mine = await begin({ tenantId: one });
  const refused = await startRewrap(store, order({ tenantId: one }));
  assert.deepEqual(refused, { kind: 'in_progress', rewrapId: mine.id });
  assert.equal((await startRewrap(store, order())).kind, 'in_progress');
  const yours = await begin({ tenantId: two });
  assert.equal((await startRewrap(store, order({ tenantId: randomUUID() }))).kind, 'tenant_not_found');
  assert.equal((await startRewrap(store, order({ tenantId: two, kekName: 'none' }))).kind, 'kek_not_found');

  const steering = { actor: ada, reason: null };
  const paused = await steerRewrap(store, yours.id, 'paused', steering);
  assert.equal(paused.kind, 'changed');
  assert.equal((await steerRewrap(store, yours.id, 'paused', steering)).kind, 'unchanged');
  await finish(mine);
  assert.deepEqual(await keksOf(one), [fresh.id]);
  assert.deepEqual(await keksOf(two), [old.id]);
  assert.equal(
    await claimRewrap(store, owner, [old.id, fresh.id], 8_000),
    null,
    'paused: nobody takes it up',
  );
  assert.equal((await steerRewrap(store, yours.id, 'cancelled', steering)).kind, 'changed');
  assert.equal((await steerRewrap(store, yours.id, 'in_progress', steering)).kind, 'finished');
  assert.equal((await steerRewrap(store, randomUUID(), 'paused', steering)).kind, 'not_found');
});

test('a process that has not proved the KEK is in the way until it does, ends, or is passed over', async () => {
  const tenantId = await core.createTenant();
  const lacking = await aProcess('vault', [old.id]);
  assert.equal((await startRewrap(store, order({ tenantId }))).kind, 'lacking');
  const forced = await begin({ tenantId, force: true, reason: 'it is about to be restarted' });
  assert.equal(forced.forced, true);
  await finish(forced);
  await tell(lacking, 'vault', [old.id, fresh.id], false);
  await finish(await begin({ tenantId, kekName: 'old' }));
  const another = await aProcess('vault', []);
  assert.equal((await startRewrap(store, order({ tenantId }))).kind, 'lacking');
  await tell(another, 'vault', [], true);
  await finish(await begin({ tenantId }));
});

test('while a KMS is away or refuses it waits and says so, and then goes on', async () => {
  const tenantId = await core.createTenant();
  const view = await begin({ tenantId, kekName: (await keksOf(tenantId))[0] === old.id ? 'new' : 'old' });
  const target = view.kekId === old.id ? old : fresh;
  target.beforeWrap = kmsAway;
  const told: KmsError[] = [];
  const working = rewrapDeks(environment({ onTrouble: (error) => told.push(error) }), await claim(), idle);
  const seen = await until(
    async () => {
      const now = await findRewrap(store, view.id);
      return now?.waitingFor === 'kms' ? now : undefined;
    },
    { what: 'it says that it waits' },
  );
  assert.equal(seen.waitingDetail?.what, 'the KMS is away');
  target.beforeWrap = async () => {
    throw new KmsError('DENIED', 'somebody forbade it');
  };
  await until(async () => (await findRewrap(store, view.id))?.waitingFor === 'kek_suspended', {
    what: 'refused',
  });
  target.beforeWrap = async () => {};
  assert.equal(await working, 'done');
  assert.deepEqual(
    told.map(({ code }) => code),
    ['UNAVAILABLE', 'DENIED'],
  );
  assert.equal((await findRewrap(store, view.id))?.waitingFor, null);
});

test('a worker without a KEK that some DEKs are under does the others, and leaves those to one that has it', async () => {
  const third = await testKek();
  const tenantId = await core.createTenant();
  const other = core.anotherVault({ kek: createKeks(third, old, fresh) });
  const foreign = randomUUID();
  await other.createTenant({ tenantId: foreign, name: 'under a third KEK' });
  const view = await begin();
  const without = createKeks(old, fresh);
  assert.equal(await rewrapDeks(environment({ keks: without }), await claim(), idle), 'left');
  assert.deepEqual(await keksOf(tenantId), [fresh.id]);
  const waits = await findRewrap(store, view.id);
  assert.equal(waits?.waitingFor, 'kms');
  assert.match(waits?.waitingDetail?.what ?? '', new RegExp(third.id));
  assert.equal(await claimRewrap(store, owner, [old.id, fresh.id], 8_000), null, 'not asked of it again');
  const held = createKeks(old, fresh, third);
  const claimed = await claim(randomUUID(), [old.id, fresh.id, third.id]);
  assert.equal(await rewrapDeks(environment({ keks: held }), claimed, idle), 'done');
  assert.deepEqual(await keksOf(foreign), [fresh.id]);
});

test('a KEK that is refused holds up what is under it alone, and since when it waits is kept, whoever takes it up', async () => {
  const third = await testKek();
  const refused = troubledKek(third);
  refused.trouble = () => new KmsError('DENIED', 'somebody forbade it', { kekId: third.id });
  const other = core.anotherVault({ kek: createKeks(third, old, fresh) });
  const foreign: string[] = [];
  // More than are asked for at once.
  for (let n = 0; n < 20; n += 1) {
    const tenantId = randomUUID();
    foreign.push(tenantId);
    await other.createTenant({ tenantId, name: 'under a third KEK' });
  }
  const one = await core.createTenant();
  const wanted = (await keksOf(one))[0] === old.id ? 'new' : 'old';
  const view = await begin({ kekName: wanted });
  const keks = createKeks(old, fresh, refused);
  const working = rewrapDeks(environment({ keks }), await claim(), idle);
  await until(async () => (await keksOf(one))[0] === view.kekId, { what: 'the others are rewrapped' });
  const waiting = (): Promise<RewrapView | undefined> =>
    until(
      async () => {
        const now = await findRewrap(store, view.id);
        return now?.waitingFor === 'kek_suspended' ? now : undefined;
      },
      { what: 'it says that it waits' },
    );
  const first = await waiting();
  assert.notEqual(first?.waitingDetail?.since ?? null, null);
  const { calls } = refused;
  await until(() => refused.calls >= calls + 40, { what: 'it was asked for again and again' });
  assert.deepEqual((await waiting())?.waitingDetail, first?.waitingDetail);
  refused.trouble = null;
  assert.equal(await working, 'done');
  for (const tenantId of foreign) assert.deepEqual(await keksOf(tenantId), [view.kekId]);
});

test('a worker that is refused one KEK and lacks another gives way to one that has it', async () => {
  const [third, fourth] = [await testKek(), await testKek()];
  const refused = troubledKek(third);
  refused.trouble = () => new KmsError('DENIED', 'somebody forbade it', { kekId: third.id });
  const other = core.anotherVault({ kek: createKeks(third, fourth, old, fresh) });
  const another = core.anotherVault({ kek: createKeks(fourth, third, old, fresh) });
  const [underThird, underFourth] = [randomUUID(), randomUUID()];
  await other.createTenant({ tenantId: underThird, name: 'under a third KEK' });
  await another.createTenant({ tenantId: underFourth, name: 'under a fourth KEK' });
  const view = await begin();
  const without = createKeks(old, fresh, refused);
  const mine = (): Promise<ClaimedRewrap> => claim(owner, [old.id, fresh.id, third.id]);
  assert.equal(await rewrapDeks(environment({ keks: without }), await mine(), idle), 'left');
  assert.equal((await findRewrap(store, view.id))?.waitingFor, 'kek_suspended');
  const claimed = await claim(randomUUID(), [old.id, fresh.id, fourth.id]);
  assert.equal(
    await rewrapDeks(environment({ keks: createKeks(old, fresh, fourth) }), claimed, idle),
    'left',
  );
  assert.deepEqual(await keksOf(underFourth), [fresh.id]);
  refused.trouble = null;
  assert.equal(await rewrapDeks(environment({ keks: without }), await mine(), idle), 'done');
  assert.deepEqual(await keksOf(underThird), [fresh.id]);
});

test('the database completes none that is not done, changes no finished one, and takes no bytes of another KEK', async () => {
  const tenantId = await core.createTenant();
  const view = await begin({ tenantId });
  const claimed = await claim();
  const isRefused = (sql: string) =>
    assert.rejects(pool.query(sql, [view.id]), (error: { code?: string }) => error.code === 'RK002', sql);
  await isRefused(`update rekey.rewraps set status = 'completed', completed_at = now() where id = $1`);
  await isRefused(`update rekey.rewraps set kek_id = 'local:0000000000000000' where id = $1`);
  await isRefused('delete from rekey.rewraps where id = $1');
  const [dek] = await deksToRewrap(store, view.id, null, 1);
  assert.ok(dek !== undefined);
  const foreign = await makeDek(await testKek(), tenantId, dek.id);
  await assert.rejects(
    storeRewrapped(store, claimed, {
      kekUri: fresh.uri,
      calls: 0,
      deks: [{ id: dek.id, before: dek.wrapped, after: foreign.wrapped }],
    }),
    /RK002/,
  );
  assert.deepEqual(await keksOf(tenantId), [old.id]);
  assert.equal(await rewrapDeks(environment(), claimed, idle), 'done');
  await isRefused(`update rekey.rewraps set reason = 'another' where id = $1`);
  await assert.rejects(pool.query(`select rekey.forget_kek('new')`), /in use/);
});
