import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { claimRewrap, deksToRewrap, findRewrap, storeRewrapped } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { createKeks, type Kek } from '@rekey/kms';
import { rewrapDeks } from '@rekey/rotation';
import { firstSecret, readyToSwitch } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';
import { idle, rewrapping } from './rewrapping.ts';

const { core, old, fresh, keks, owner, begin, claim, environment, finish, keksOf, everythingElse } =
  await rewrapping();
const { pool, store } = core;

test('every DEK is brought under the other KEK and back, no process unwraps anew, nothing else changes', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  await core.startAndRotate(tenantId);
  const other = await core.tenantWith(1);
  const vault = core.anotherVault({ kek: keks });
  for (const id of ids) await vault.get({ target: 'secrets', tenantId, id });
  const before = await everythingElse();
  const unwraps = old.calls.unwrap + fresh.calls.unwrap;

  const there = await finish(await begin());
  assert.equal(there.status, 'completed');
  assert.equal(there.rewrapped, 3);
  assert.equal(there.kmsCalls, 9);
  assert.equal(there.fingerprintBefore, there.fingerprintAfter);
  assert.deepEqual(await keksOf(tenantId), [fresh.id, fresh.id]);
  assert.deepEqual(await keksOf(other.tenantId), [fresh.id]);
  assert.deepEqual(await everythingElse(), before);

  for (const id of ids)
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  // Two for each DEK by the rewrap; none by the vault.
  assert.equal(old.calls.unwrap + fresh.calls.unwrap - unwraps, 6);
  // And a process that never had the old KEK.
  const newcomer = core.anotherVault({ kek: fresh });
  assert.deepEqual(
    await newcomer.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }),
    firstSecret(ids[0] ?? ''),
  );

  const kinds = await pool.query(
    `select kind, payload ->> 'kekId' as kek, payload ->> 'fromKekId' as from_kek from rekey.events
     where chain = $1 and kind = 'key.rewrapped'`,
    [other.tenantId],
  );
  assert.deepEqual(kinds.rows, [{ kind: 'key.rewrapped', kek: fresh.id, from_kek: old.id }]);
  const ofRewrap = await pool.query(
    `select kind from rekey.events where payload ->> 'rewrapId' = $1 order by sequence`,
    [there.id],
  );
  assert.deepEqual(
    ofRewrap.rows.map(({ kind }) => kind),
    ['rewrap.requested', 'rewrap.completed'],
  );
  assert.equal((await finish(await begin({ kekName: 'old' }))).rewrapped, 3);
  assert.deepEqual(await everythingElse(), before);
});

test('a worker that dies at any call is followed by one that goes on; what is late writes nothing', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  for (let n = 0; n < 3; n += 1) await core.startAndRotate(tenantId);
  const names = ['new', 'old'];
  for (const [at, step] of (['unwrap', 'wrap', 'read back', 'stored'] as const).entries()) {
    const view = await begin({ tenantId, kekName: names[at % 2] ?? '' });
    const from: Kek = at % 2 === 0 ? old : fresh;
    const to: Kek = at % 2 === 0 ? fresh : old;
    const dead = new Promise<never>(() => {});
    const killed = randomUUID();
    let reached = false;
    const hangsAt =
      (call: string): Kek['wrap'] & Kek['unwrap'] =>
      async () => {
        reached = call === step;
        return dead;
      };
    const dying = createKeks(
      { ...from, ...(step === 'unwrap' ? { unwrap: hangsAt('unwrap') } : {}) },
      {
        ...to,
        ...(step === 'wrap' ? { wrap: hangsAt('wrap') } : {}),
        ...(step === 'read back' ? { unwrap: hangsAt('read back') } : {}),
      },
    );
    const claimed = await claim(killed);
    if (step === 'stored') {
      const [dek] = await deksToRewrap(store, view.id, null, 1);
      assert.ok(dek !== undefined);
      const bytes = await from.unwrap(dek.wrapped, dekWrapAad(tenantId, dek.id));
      const after = await to.wrap(bytes, dekWrapAad(tenantId, dek.id));
      const stored = { kekUri: to.uri, calls: 2, deks: [{ id: dek.id, before: dek.wrapped, after }] };
      assert.equal(await storeRewrapped(store, claimed, stored), 1);
      // The same again is not what stands there any more.
      assert.equal(await storeRewrapped(store, claimed, stored), 0);
    } else {
      void rewrapDeks(environment({ keks: dying }), claimed, idle).catch(() => {});
      await until(async () => reached, { what: step });
    }
    assert.equal(
      await claimRewrap(store, owner, [old.id, fresh.id], 8_000),
      null,
      'it is still the other one’s',
    );
    await pool.query(`update rekey.rewraps set heartbeat_at = now() - interval '1 hour' where id = $1`, [
      view.id,
    ]);
    const done = await finish(view);
    assert.equal(done.status, 'completed', step);
    assert.deepEqual(new Set(await keksOf(tenantId)), new Set([to.id]), step);
    assert.equal(await storeRewrapped(store, claimed, { kekUri: to.uri, calls: 0, deks: [] }), null);
    const vault = core.anotherVault({ kek: keks });
    assert.deepEqual(
      await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }),
      firstSecret(ids[0] ?? ''),
    );
  }
});

test('DEKs that rotations make and switch to meanwhile are among them; one that nobody can unwrap is set aside', async () => {
  const [making, switching, damaged] = [
    await core.createTenant(),
    await core.createTenant(),
    await core.createTenant(),
  ];
  await finish(await begin({ kekName: 'old' }));
  const ready = await readyToSwitch(core, switching);
  await core.pool.query(
    `update rekey.dek_material m set wrapped = wrapped || '\\x00', wrap_version = wrap_version + 1
     from rekey.deks d where d.id = m.dek_id and d.tenant_id = $1`,
    [damaged],
  );
  const view = await begin();
  const claimed = await claim();
  // One is made behind the look at what is left, and one is switched to between its unwrap and its rewrap.
  let isFirst = true;
  old.beforeUnwrap = async () => {
    if (!isFirst) return;
    isFirst = false;
    const rotationId = await core.start(making);
    assert.equal((await core.finish(rotationId)).status, 'completed');
    assert.equal((await core.finish(ready.rotationId)).status, 'completed');
  };
  assert.equal(await rewrapDeks(environment(), claimed, idle), 'done');
  old.beforeUnwrap = async () => {};
  const done = await findRewrap(store, view.id);
  assert.equal(done?.status, 'completed_with_failures');
  assert.equal(done?.setAside, 1);
  assert.deepEqual(await keksOf(making), [fresh.id, fresh.id]);
  assert.deepEqual(await keksOf(switching), [fresh.id, fresh.id]);
  assert.deepEqual(await keksOf(damaged), [old.id]);
  assert.deepEqual(await core.deks(switching), ['1 deactivated', '2 active']);
});

test('calls of KMSs are held back to so many per second, whatever has to be done', async () => {
  const tenants = await Promise.all(Array.from({ length: 5 }, () => core.createTenant()));
  const view = await begin({ callsPerSecondMax: 20 });
  const beganAt = performance.now();
  const done = await finish(view);
  // A machine that stands still makes it longer, never shorter.
  assert.ok(performance.now() - beganAt >= ((done.kmsCalls - 1) / 20) * 1_000 - 50);
  assert.ok(done.kmsCalls >= 3 * tenants.length);
});
