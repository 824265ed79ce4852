/** `rewrapEveryDays` of a policy: whose DEKs are wrapped anew, when, and what keeps others from waiting for it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { findRewrap, startRewrap, steerRewrap } from '@rekey/control';
import { inTransaction, rows } from '@rekey/db';
import { rewrapDeks } from '@rekey/rotation';
import { pastTheTriggers } from '../harness/damage.ts';
import { firstSecret } from '../harness/rotation.ts';
import { ada, idle } from '../rewrap/rewrapping.ts';
import {
  age,
  all,
  clear,
  core,
  desk,
  finish,
  fresh,
  levelOf,
  old,
  pool,
  put,
  round,
  store,
  tenantsWith,
  wraps,
} from './policy-renewals-desk.ts';

test('a wrapping is due within the last tenth of the interval, at its tenant’s share, and overdue after it', async () => {
  for (const tenantId of await tenantsWith(12, { rewrapEveryDays: 100 }, 89.9)) {
    assert.equal(await levelOf(tenantId), 'fresh');
    await age(tenantId, 100.01);
    assert.equal(await levelOf(tenantId), 'overdue');
    const [{ early }] = await all(
      `select extract(epoch from overdue_at - due_at)::float8 / 86400 as early from rekey.renewal_standing($1)`,
      [tenantId],
    );
    assert.ok(early >= 0 && early <= 10, String(early));
    await age(tenantId, 100 - early + 0.01);
    if (early > 0.02) assert.equal(await levelOf(tenantId), 'due');
    await put(tenantId, { rewrapEveryDays: null });
    assert.equal(await levelOf(tenantId), undefined, 'nothing says so');
  }
});

test('ten at most are begun at once, those that wait longest first, each once, whoever looks; nothing else of a DEK changes', async () => {
  const tenants = await tenantsWith(23, { rewrapEveryDays: 30 }, 31);
  const { tenantId: oldest, ids } = await core.tenantWith(3);
  await put(oldest, { rewrapEveryDays: 30 });
  await age(oldest, 300);
  const before = await desk.everythingElse();
  const begun: string[] = [];
  for (let n = 0; n < 9 && begun.length < 24; n += 1) {
    const made = (await Promise.all([round(), round(), round()])).flatMap((one) => one?.begun ?? []);
    const [{ running }] = await all(
      `select count(*)::int as running from rekey.rewraps where status = 'in_progress'`,
    );
    assert.ok(running <= 10, `${running}`);
    if (n === 0) assert.equal(made[0]?.tenantId, oldest);
    for (const { rewrapId, tenantId, policyVersion } of made) {
      begun.push(tenantId);
      assert.equal(policyVersion, '0.1');
      const [event] = await all(
        `select actor, payload from rekey.events where kind = 'rewrap.requested' and payload ->> 'rewrapId' = $1`,
        [rewrapId],
      );
      assert.deepEqual([event.actor.kind, event.actor.id], ['policy', 'policy-0.1']);
      assert.deepEqual([event.payload.policyVersion, event.payload.keys], ['0.1', 1]);
    }
    await finish();
  }
  assert.deepEqual(begun.toSorted(), [oldest, ...tenants].sort(), 'none skipped, none twice');
  assert.deepEqual((await round())?.begun, []);
  assert.equal(await levelOf(oldest), 'fresh');
  assert.deepEqual(await wraps(oldest), [{ n: 1, v: 2, kek: old.id }]);
  assert.deepEqual(await desk.everythingElse(), before);
  const vault = core.anotherVault();
  for (const id of ids)
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId: oldest, id }), firstSecret(id));
});

test('with the oldest go those past half of the interval, those of a KEK the policy names come under it', async () => {
  await clear();
  const { tenantId } = await core.tenantWith(1);
  for (let n = 0; n < 3; n += 1) await core.startAndRotate(tenantId);
  await age(tenantId, 31, 1);
  await age(tenantId, 16, 2);
  await age(tenantId, 14, 3);
  await put(tenantId, { rewrapEveryDays: 30 });
  assert.equal((await round())?.begun.length, 1);
  await finish();
  assert.deepEqual(
    (await wraps(tenantId)).map(({ v }) => v),
    [2, 2, 1, 1],
  );
  await age(tenantId, 31, 4);
  await put(tenantId, { rewrapEveryDays: 30, kek: 'new' });
  await round();
  await finish();
  const under = await wraps(tenantId);
  assert.ok(
    under.every(({ kek }) => kek === fresh.id),
    JSON.stringify(under),
  );
});

test('it begins inside of windows, and makes way for what a person calls for', async () => {
  await clear();
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const window = (from: number, to: number) => [{ days, from: at(from), to: at(to), timeZone: 'UTC' }];
  const [shut = ''] = await tenantsWith(1, { rewrapEveryDays: 30, windows: window(120, 180) }, 40);
  const [open = ''] = await tenantsWith(1, { rewrapEveryDays: 30, windows: window(-60, 60) }, 31);
  const [first] = (await round())?.begun ?? [];
  assert.equal(first?.tenantId, open);
  assert.deepEqual((await round())?.begun, [], 'one runs already');
  assert.equal(await levelOf(shut), 'overdue');
  const called = await startRewrap(store, desk.order({ tenantId: null, kekName: 'new' }));
  assert.equal(called.kind, 'started');
  assert.equal((await findRewrap(store, first?.rewrapId ?? ''))?.status, 'cancelled');
  assert.deepEqual((await round())?.begun, [], 'while it runs no policy begins one');
  await finish();
});

test('under a KEK that holds one up nobody else is begun, nor does that one keep its worker; others are', async () => {
  await clear();
  const theirs = await tenantsWith(12, { rewrapEveryDays: 30 }, 60);
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.dek_material m set kek_id = 'hcvault:refused' from rekey.deks d
       where d.id = m.dek_id and d.tenant_id = any ($1)`,
      [theirs],
    ),
  );
  await desk.aProcess('worker', [old.id, fresh.id, 'hcvault:refused']);
  // The process that the desk has told of before lacks it.
  assert.deepEqual((await round())?.begun, [], 'not every live process has proved it');
  for (const { id } of await all('select id from rekey.processes'))
    await desk.tell(id, 'worker', [old.id, fresh.id, 'hcvault:refused'], false);
  const first = (await round())?.begun ?? [];
  assert.equal(first.length, 10);
  const [stuck, ...rest] = first.map(({ rewrapId }) => rewrapId);
  for (const id of rest) await steerRewrap(store, id, 'cancelled', { actor: ada, reason: null });
  await pool.query(
    `update rekey.rewraps set owner = gen_random_uuid(), waiting_for = 'kek_suspended', waiting_detail = $2 where id = $1`,
    [stuck, { what: 'refused', since: null, todo: '', kekIds: ['hcvault:refused'] }],
  );
  const [other = ''] = await tenantsWith(1, { rewrapEveryDays: 30 }, 31);
  assert.deepEqual(
    (await round())?.begun.map(({ tenantId }) => tenantId),
    [other],
  );
  const earlier = (interval: string) =>
    pastTheTriggers(pool, (tx) =>
      tx.query(
        `update rekey.rewraps set started_at = started_at - $1::interval, completed_at = completed_at - $1::interval`,
        [interval],
      ),
    );
  await earlier('3 minutes');
  assert.deepEqual((await round())?.begun, []);
  assert.equal((await findRewrap(store, stuck ?? ''))?.status, 'cancelled', 'it keeps its worker no longer');
  assert.deepEqual((await round())?.begun, [], 'nor is it, or another of them, tried at once');
  await earlier('11 minutes');
  assert.ok(((await round())?.begun ?? []).length > 0);
});

test('after a failed try it waits ten minutes, doubling; the fifth makes it orphaned, and each level is told once', async () => {
  await clear();
  const [tenantId = ''] = await tenantsWith(1, { rewrapEveryDays: 30 }, 31);
  const told: string[] = [];
  const look = async () => {
    const made = await round();
    told.push(...(made?.told ?? []).filter((one) => one.tenantId === tenantId).map(({ level }) => level));
    return made;
  };
  for (let tries = 1; tries <= 5; tries += 1) {
    const [one] = (await look())?.begun ?? [];
    assert.equal(one?.tenantId, tenantId, `try ${tries}`);
    await steerRewrap(store, one.rewrapId, 'cancelled', { actor: ada, reason: null });
    const earlier = (minutes: number) =>
      pastTheTriggers(pool, (tx) =>
        tx.query(
          `update rekey.rewraps set completed_at = completed_at - $2::float8 * interval '1 minute'
           where tenant_id = $1 and status = 'cancelled'`,
          [tenantId, minutes],
        ),
      );
    const waited = 10 * 2 ** (tries - 1);
    await earlier(waited - 1);
    assert.deepEqual((await look())?.begun, [], 'not a minute before');
    await earlier(2);
  }
  assert.equal(await levelOf(tenantId), 'orphaned');
  await look();
  assert.deepEqual(told, ['overdue', 'orphaned']);
  const events = await all(
    `select kind from rekey.events where chain = $1 and kind like 'policy.rewrap%' order by sequence`,
    [tenantId],
  );
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['policy.rewrap_overdue', 'policy.rewrap_orphaned'],
  );
  await finish();
  assert.equal(await levelOf(tenantId), 'fresh', 'the last try has done it');
});

test('a round that its process does not survive has not happened, and the next one makes up for it once', async () => {
  await clear();
  const [tenantId = ''] = await tenantsWith(1, { rewrapEveryDays: 30 }, 31);
  const died = inTransaction(store, async (tx) => {
    await rows(tx, 'select rekey.take_renewal_round()');
    assert.equal((await rows(tx, `select * from rekey.begin_renewals('[]')`)).length, 1);
    assert.equal(await round(), null, 'it is that one’s turn');
    throw new Error('killed');
  });
  await assert.rejects(died, /killed/);
  assert.deepEqual(
    (await round())?.begun.map((one) => one.tenantId),
    [tenantId],
  );
  assert.deepEqual((await round())?.begun, []);
  await finish();
});

test('what was renewed is not renewed again by who comes late, nor completed while one is left', async () => {
  await clear();
  const [tenantId = ''] = await tenantsWith(1, { rewrapEveryDays: 30 }, 31);
  const [begun] = (await round())?.begun ?? [];
  const late = await desk.claim();
  await pool.query(`update rekey.rewraps set owner = null where id = $1`, [begun?.rewrapId]);
  const next = await desk.claim(randomUUID());
  await assert.rejects(
    pool.query(`update rekey.rewraps set status = 'completed', completed_at = now() where id = $1`, [
      next.id,
    ]),
    /DEKs are left/,
  );
  assert.equal(await rewrapDeks(desk.environment(), next, idle), 'done');
  assert.equal(await rewrapDeks(desk.environment(), late, idle), 'lost');
  assert.deepEqual(await wraps(tenantId), [{ n: 1, v: 2, kek: old.id }]);
});
