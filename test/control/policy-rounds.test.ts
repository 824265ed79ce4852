import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTransaction, rows } from '@rekey/db';
import { pastTheTriggers } from '../harness/damage.ts';
import { age, all, core, levelOf, pool, put, round, runningByPolicy, store } from './policy-rounds-desk.ts';

test('a DEK is due within the last tenth of its interval, at a share that stays its tenant’s, and overdue after it', async () => {
  await put(null, {});
  const tenants = await Promise.all(Array.from({ length: 40 }, () => core.createTenant()));
  const shares = new Set<number>();
  for (const tenantId of tenants) {
    await put(tenantId, { rotateEveryDays: 100 });
    await age(tenantId, 89.9);
    assert.equal(await levelOf(tenantId), 'fresh');
    await age(tenantId, 100.1);
    assert.equal(await levelOf(tenantId), 'overdue');
    const [{ early }] = await all(
      `select extract(epoch from overdue_at - due_at)::float8 / 86400 as early from rekey.policy_standing($1)`,
      [tenantId],
    );
    assert.ok(early >= 0 && early <= 10, String(early));
    shares.add(Math.round(early * 1_000));
    await age(tenantId, 100 - early + 0.01);
    if (early > 0.02) assert.equal(await levelOf(tenantId), 'due');
    await put(tenantId, { rotateEveryDays: null });
    assert.equal(await levelOf(tenantId), undefined);
  }
  assert.ok(shares.size > 30, 'they come apart');
});

test('many that are due at once are begun a few at a time, each once, by whoever has its turn', async () => {
  await put(null, { rotationsAtOnce: 3 });
  const tenants = await Promise.all(Array.from({ length: 12 }, () => core.createTenant()));
  for (const tenantId of tenants) {
    await put(tenantId, { rotateEveryDays: 30 });
    await age(tenantId, 31);
  }
  const begun: string[] = [];
  for (let n = 0; n < 20 && begun.length < tenants.length; n += 1) {
    const rounds = await Promise.all([round(), round(), round(), round()]);
    for (const { tenantId, rotationId, policyVersion } of rounds.flatMap((one) => one?.begun ?? [])) {
      begun.push(tenantId);
      assert.match(policyVersion, /^\d+\.1$/);
      assert.ok((await runningByPolicy()) <= 3);
      const events = await all(
        `select actor ->> 'kind' as kind, actor ->> 'id' as id from rekey.events
         where rotation_id = $1 and kind = 'rotation.requested'`,
        [rotationId],
      );
      assert.deepEqual(events, [{ kind: 'policy', id: `policy-${policyVersion}` }]);
    }
    const [running] = await all(`select id from rekey.rotations where status = 'in_progress' limit 1`);
    if (running !== undefined) await core.finish(running.id);
  }
  assert.deepEqual(begun.sort(), tenants.sort(), 'none skipped, none twice');
  for (const { id } of await all(`select id from rekey.rotations where status = 'in_progress'`))
    await core.finish(id);
  assert.deepEqual((await round())?.begun, [], 'they are fresh now');
});

test('a round that its process does not survive has not happened, and the next one makes up for it once', async () => {
  const tenantId = await core.createTenant();
  await put(tenantId, { rotateEveryDays: 30 });
  await age(tenantId, 31);
  const died = inTransaction(store, async (tx) => {
    await rows(tx, 'select rekey.take_policy_round(0)');
    const begun = await rows(tx, `select * from rekey.begin_due('[]', 10000, '{}')`);
    assert.equal(begun.length, 1);
    assert.equal(await round(), null, 'it is that one’s turn');
    throw new Error('killed');
  });
  await assert.rejects(died, /killed/);
  const made = await round();
  assert.deepEqual(
    made?.begun.map((one) => one.tenantId),
    [tenantId],
  );
  assert.deepEqual((await round())?.begun, []);
  await core.finish(made?.begun[0]?.rotationId ?? '');
});

test('it begins inside of windows only, and the rotation keeps those and its policy’s version', async () => {
  const [shut, open] = [await core.createTenant(), await core.createTenant()];
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  const always = [{ days, from: '00:00', to: '00:00', timeZone: 'UTC' }];
  await put(shut, { rotateEveryDays: 30, windows: [{ days, from: at(120), to: at(180), timeZone: 'UTC' }] });
  await put(open, { rotateEveryDays: 30, windows: always });
  await age(shut, 31);
  await age(open, 31);
  const made = await round();
  assert.deepEqual(
    made?.begun.map((one) => one.tenantId),
    [open],
  );
  const rotationId = made?.begun[0]?.rotationId ?? '';
  await put(open, { rotateEveryDays: 60 });
  const view = await core.view(rotationId);
  assert.deepEqual([view.windows, view.policyVersion], [always, made?.begun[0]?.policyVersion]);
  await core.finish(rotationId);
  await put(shut, {});
});

test('after a failed try it waits ten minutes, doubling; the fifth makes it orphaned, and each level is told once', async () => {
  const tenantId = await core.createTenant();
  await put(tenantId, { rotateEveryDays: 30 });
  await age(tenantId, 31);
  const told: string[] = [];
  const look = async () => {
    const made = await round();
    told.push(...(made?.told ?? []).filter((one) => one.tenantId === tenantId).map(({ level }) => level));
    return made;
  };
  for (let tries = 1; tries <= 5; tries += 1) {
    const made = await look();
    const [one] = made?.begun ?? [];
    assert.equal(one?.tenantId, tenantId, `try ${tries}`);
    await pool.query(`select rekey.cancel_rotation($1)`, [one?.rotationId]);
    const waited = 10 * 2 ** (tries - 1);
    const earlier = async (minutes: number): Promise<void> => {
      await pastTheTriggers(pool, (tx) =>
        tx.query(
          `update rekey.rotations set completed_at = completed_at - $2::float8 * interval '1 minute'
           where tenant_id = $1 and status = 'cancelled'`,
          [tenantId, minutes],
        ),
      );
    };
    await earlier(waited - 1);
    assert.deepEqual((await look())?.begun, [], 'not a minute before');
    await earlier(2);
  }
  assert.equal(await levelOf(tenantId), 'orphaned');
  await look();
  assert.deepEqual(told, ['overdue', 'orphaned']);
  assert.deepEqual((await look())?.told, []);
  const events = await all(
    `select kind from rekey.events where chain = $1 and kind like 'policy.o%' order by at`,
    [tenantId],
  );
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['policy.overdue', 'policy.orphaned'],
  );
});
