/** A compromised KEK in odd states: two at once, in a circle, named again, chosen by a tenant, pinned by a rotation that waits. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { replaceCompromised } from '@rekey/commands';
import {
  chooseKek,
  claimRewrap,
  findKekChoice,
  findKekCompromise,
  type KekCompromiseView,
  leadKekCompromises,
  pauseRotation,
  registerKek,
  resumeRotation,
  settleKekChoice,
  startKekCompromise,
  startRewrap,
} from '@rekey/control';
import { createKeks } from '@rekey/kms';
import { rewrapDeks, rotate } from '@rekey/rotation';
import { type TestKek, testKek } from '../harness/kek.ts';
import { ada, idle, rewrapping } from '../rewrap/rewrapping.ts';

const { core, old, fresh, order, keksOf, aProcess } = await rewrapping();
const { store } = core;
const steering = { actor: { ...ada, kind: 'user', realm: '' }, reason: null } as const;
const ticketQueue = { enqueue: async () => true };

/** A registered KEK of its own for each test: what was compromised stays so. */
const names = ['one', 'two', 'a', 'b', 'c', 'd', 'e', 'shared', 'pinned', 'hurried'] as const;
const made = await Promise.all(names.map(() => testKek()));
const named = (name: (typeof names)[number]): TestKek => made[names.indexOf(name)] as TestKek;
for (const [place, name] of names.entries()) await registerKek(store, name, made[place]?.id ?? '');
const all = [old, fresh, ...made];
const ids = all.map(({ id }) => id);
const keks = createKeks(old, ...all);
// Only one is there, and it has them all.
await core.pool.query('update rekey.processes set ended_at = clock_timestamp()');
await aProcess('worker', ids);
/** A tenant whose DEK is under that KEK. */
async function tenantUnder(kek: TestKek): Promise<string> {
  const tenantId = randomUUID();
  const vault = core.anotherVault({ kek: createKeks(kek, ...all) });
  await vault.createTenant({ tenantId, name: 'a tenant' });
  return tenantId;
}
const begin = (kekName: string, targetName: string, force = false) =>
  startKekCompromise(store, {
    compromiseId: randomUUID(),
    kekName,
    targetName,
    callsPerSecondMax: 10_000,
    force,
    reason: 'it was found elsewhere',
    actor: ada,
    idempotency: null,
  });
async function finish(rotationId: string): Promise<void> {
  const env = core.environment({ keks });
  while ((await rotate(env, rotationId, idle)) === 'left');
}
/** What workers do, in turns, until those are at their end or it has gone on for far too long. */
async function work(...names: string[]): Promise<Array<KekCompromiseView['status'] | undefined>> {
  const statuses = async () =>
    Promise.all(names.map(async (name) => (await findKekCompromise(store, name))?.status));
  for (let turn = 0; turn < 40 && (await statuses()).includes('in_progress'); turn += 1) {
    for (const next of await leadKekCompromises(store, 100)) {
      const started = await replaceCompromised({ store, ticketQueue }, next);
      if (started.kind === 'started') await finish(started.view.id);
    }
    // A worker that is slow to find a rewrap: one in two turns.
    if (turn % 2 === 0) continue;
    const rewrap = await claimRewrap(store, randomUUID(), ids, 8_000);
    if (rewrap !== null) await rewrapDeks({ store, keks, onTrouble: () => {} }, rewrap, idle);
  }
  return statuses();
}

test('two at once come to their ends: neither ends the rewrap of the other', async () => {
  const [one, two] = [named('one'), named('two')];
  const tenants = [await tenantUnder(one), await tenantUnder(two)];
  const first = await begin('one', 'new');
  const second = await begin('two', 'new');
  assert.deepEqual([first.kind, second.kind], ['started', 'started']);
  const { rows } = await core.pool.query(`select status from rekey.rewraps where from_kek_id = any ($1)`, [
    [one.id, two.id],
  ]);
  assert.deepEqual(rows, [{ status: 'in_progress' }, { status: 'in_progress' }]);
  assert.deepEqual(await work('one', 'two'), ['completed', 'completed']);
  for (const tenantId of tenants) assert.deepEqual(await keksOf(tenantId), [fresh.id, fresh.id]);
});

test('none takes the place of one that is being emptied, by force neither; and of one that was, only by force', async () => {
  const kek = named('a');
  const tenantId = await tenantUnder(kek);
  assert.equal((await begin('a', 'b')).kind, 'started');
  for (const force of [false, true]) {
    assert.equal((await begin('b', 'a', force)).kind, 'lacking');
    assert.equal(
      (await startRewrap(store, order({ tenantId: randomUUID(), kekName: 'a', force }))).kind,
      'tenant_not_found',
    );
  }
  assert.deepEqual(await work('a'), ['completed']);
  assert.equal((await begin('b', 'a')).kind, 'lacking');
  assert.equal((await startRewrap(store, order({ tenantId, kekName: 'a' }))).kind, 'lacking');
  assert.equal((await core.tryToStart(tenantId, { kek: 'a' })).kind, 'kek_lacking');
  assert.equal((await core.tryToStart(tenantId, { kek: 'a', compromise: true })).kind, 'kek_lacking');
  assert.equal((await begin('b', 'a', true)).kind, 'started');
  assert.deepEqual(await work('b'), ['completed']);
  assert.deepEqual((await keksOf(tenantId)).at(-1), kek.id, 'as it was forced');
});

test('whose place was to be taken by one that is then compromised too is replaced under the last one', async () => {
  const kek = named('c');
  const next = named('d');
  const last = named('e');
  const tenantId = await tenantUnder(kek);
  assert.equal((await begin('c', 'd')).kind, 'started');
  assert.equal((await begin('d', 'e')).kind, 'started');
  assert.deepEqual(await work('c', 'd'), ['completed', 'completed']);
  const under = await keksOf(tenantId);
  assert.ok(!under.includes(kek.id) && !under.includes(next.id), `${under}`);
  assert.equal(under.at(-1), last.id);
});

test('who uses it by choice uses the other one from then on, and nobody chooses it any more', async () => {
  const kek = named('shared');
  const chosen = async (kekName: string, tenantId: string) => {
    const choiceId = randomUUID();
    const outcome = await chooseKek(store, {
      tenantId,
      choiceId,
      kek: kekName,
      parts: {},
      mayShare: true,
      actor: ada,
      reason: null,
    });
    return { outcome, choiceId };
  };
  const tenantId = await tenantUnder(old);
  const { choiceId } = await chosen('shared', tenantId);
  assert.equal(await settleKekChoice(store, choiceId, { kekId: kek.id }), 'active');
  const pendingOf = await tenantUnder(old);
  const pending = await chosen('shared', pendingOf);
  assert.equal((await begin('shared', 'new')).kind, 'started');
  assert.equal(
    await settleKekChoice(store, pending.choiceId, { kekId: kek.id }),
    null,
    'it is another choice now',
  );
  const active = await findKekChoice(store, tenantId);
  assert.deepEqual([active?.status, active?.kek, active?.inUse?.kekId], ['active', 'new', fresh.id]);
  const waits = await findKekChoice(store, pendingOf);
  assert.deepEqual([waits?.status, waits?.kek, waits?.inUse], ['pending', 'new', null]);
  assert.equal((await chosen('shared', tenantId)).outcome, 'lacking');
  assert.deepEqual(await work('shared'), ['completed']);
  await finish(await core.start(tenantId));
  assert.equal((await keksOf(tenantId)).at(-1), fresh.id);
});

test('a rotation that waits to wrap its DEK under it is replaced, and it does not end before', async () => {
  const kek = named('pinned');
  const tenantId = await tenantUnder(old);
  const started = await core.tryToStart(tenantId, { kek: 'pinned' });
  assert.equal(started.kind, 'started');
  const rotationId = (started as { view: { id: string } }).view.id;
  await pauseRotation(store, rotationId, steering);
  assert.equal((await begin('pinned', 'new')).kind, 'started');
  assert.deepEqual(await work('pinned'), ['completed']);
  const view = await core.view(rotationId);
  assert.equal(view.status, 'cancelled');
  assert.notEqual(view.supersededBy, null);
  assert.equal((await resumeRotation(store, rotationId, steering)).kind, 'finished');
  const under = await keksOf(tenantId);
  assert.ok(!under.includes(kek.id), `${under}`);
  assert.equal(under.at(-1), fresh.id);
});

test('nor before one because of a compromised key that is to: that goes first, and is replaced too', async () => {
  const kek = named('hurried');
  const tenantId = await tenantUnder(old);
  const started = await core.tryToStart(tenantId, { kek: 'hurried', compromise: true });
  assert.equal(started.kind, 'started');
  assert.equal((await begin('hurried', 'new')).kind, 'started');
  await leadKekCompromises(store, 100);
  assert.equal((await findKekCompromise(store, 'hurried'))?.status, 'in_progress');
  await finish((started as { view: { id: string } }).view.id);
  assert.equal((await keksOf(tenantId)).at(-1), kek.id);
  assert.deepEqual(await work('hurried'), ['completed']);
  assert.equal((await keksOf(tenantId)).at(-1), fresh.id);
});
