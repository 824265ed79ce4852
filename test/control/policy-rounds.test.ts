import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyRound, registerKek } from '@rekey/control';
import { inTransaction, rows } from '@rekey/db';
import { pastTheTriggers } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, pool } = core;
const all = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;

async function put(tenantId: string | null, policy: object): Promise<void> {
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy) values ($1,
       (select coalesce(max(version), 0) + 1 from rekey.policies where tenant_id is not distinct from $1), $2)`,
    [tenantId, JSON.stringify(policy)],
  );
}
/** As if its active DEK were so many days old. */
async function age(tenantId: string, days: number): Promise<void> {
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.deks set activated_at = clock_timestamp() - $2::float8 * interval '24 hours'
       where tenant_id = $1 and state = 'active'`,
      [tenantId, days],
    ),
  );
}
const levelOf = async (tenantId: string): Promise<string | undefined> =>
  (await all('select level from rekey.policy_standing($1)', [tenantId]))[0]?.level;
const round = () => policyRound(store, 0);
const runningByPolicy = async (): Promise<number> =>
  (
    await all(
      `select count(*)::int as n from rekey.rotations where status = 'in_progress' and policy_version is not null`,
    )
  )[0].n;

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

test('a policy’s KEK wraps the new DEK, but for a tenant that has brought a KEK of its own', async () => {
  await registerKek(pool, 'of-policy', 'local:of-policy');
  const [theirs, own] = [await core.createTenant(), await core.createTenant()];
  await pool.query(
    `insert into rekey.kek_choices (tenant_id, id, kek_name, state, active_name, active_kek_id, activated_at)
     values ($1, gen_random_uuid(), 'brought', 'active', 'brought', 'hcvault:brought', clock_timestamp())`,
    [own],
  );
  for (const tenantId of [theirs, own]) {
    await put(tenantId, { rotateEveryDays: 30, kek: 'of-policy' });
    await age(tenantId, 31);
  }
  for (let n = 0; n < 5; n += 1) await round();
  const begun = await all(
    `select kek_id as kek from rekey.rotations where tenant_id = any ($1) order by tenant_id = $2`,
    [[theirs, own], own],
  );
  assert.deepEqual(begun, [{ kek: 'local:of-policy' }, { kek: 'hcvault:brought' }]);
});

/** Ends whatever runs, and leaves nobody whose time has come. */
async function clear(): Promise<void> {
  for (const { id } of await all(`select id from rekey.rotations where status in ('in_progress', 'paused')`))
    await pool.query('select rekey.cancel_rotation($1)', [id]);
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy)
     select p.tenant_id, max(p.version) + 1, '{}' from rekey.policies p where p.tenant_id is not null group by 1`,
  );
}

test('large tenants take at most half of the places, so that small ones pass', async () => {
  await clear();
  await put(null, { rotationsAtOnce: 4 });
  const large = await Promise.all(Array.from({ length: 6 }, () => core.createTenant()));
  const small = await Promise.all(Array.from({ length: 6 }, () => core.createTenant()));
  for (const [days, tenantIds] of [
    [200, large],
    [31, small],
  ] as const)
    for (const tenantId of tenantIds) {
      await put(tenantId, { rotateEveryDays: 30 });
      await age(tenantId, days); // the large ones have waited longer
    }
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `insert into rekey.record_counts (tenant_id, target, records)
       select t, 'secrets', 10001 from unnest($1::uuid[]) t
       on conflict (tenant_id, target) do update set records = excluded.records`,
      [large],
    ),
  );
  const begun = ((await round())?.begun ?? []).map(({ tenantId }) => tenantId);
  assert.equal(begun.length, 4);
  assert.equal(begun.filter((tenantId) => large.includes(tenantId)).length, 2);
  assert.deepEqual((await round())?.begun, [], 'all places are taken');
  const [one] = await all(
    `select id from rekey.rotations where status = 'in_progress' and tenant_id = any ($1)`,
    [small],
  );
  await pool.query('select rekey.cancel_rotation($1)', [one.id]);
  const next = (await round())?.begun ?? [];
  assert.equal(next.length, 1);
  assert.ok(small.includes(next[0]?.tenantId ?? ''), 'a place that a small one leaves is no large one’s');
  await clear();
});

test('nobody is begun under a policy’s KEK that a live process has not proved, and it stays due', async () => {
  await clear();
  await registerKek(pool, 'half-held', 'local:half-held');
  const tenantId = await core.createTenant();
  await put(tenantId, { rotateEveryDays: 30, kek: 'half-held' });
  await age(tenantId, 31);
  const processId = '00000000-0000-4000-8000-000000000001';
  await pool.query(
    `insert into rekey.processes (id, kind, host, database_role, version)
     values ($1, 'worker', 'one', 'one', '1')`,
    [processId],
  );
  assert.equal((await all(`select * from rekey.lacking_kek('local:half-held')`)).length, 1);
  assert.deepEqual((await round())?.begun, []);
  assert.equal(await levelOf(tenantId), 'overdue', 'somebody is told');
  await pool.query('update rekey.processes set ended_at = clock_timestamp() where id = $1', [processId]);
  assert.deepEqual(
    ((await round())?.begun ?? []).map((one) => one.tenantId),
    [tenantId],
  );
  await clear();
});

test('under a KEK whose KMS refuses it one stands still, and no others are begun; those under other KEKs are', async () => {
  await clear();
  await put(null, { rotationsAtOnce: 1 });
  const theirs = await Promise.all(Array.from({ length: 5 }, () => core.createTenant()));
  const other = await core.createTenant();
  for (const tenantId of theirs)
    await pool.query(
      `insert into rekey.kek_choices (tenant_id, id, kek_name, state, active_name, active_kek_id, activated_at)
       values ($1, gen_random_uuid(), 'theirs', 'active', 'theirs', 'hcvault:theirs', clock_timestamp())`,
      [tenantId],
    );
  for (const [days, tenantIds] of [
    [60, theirs],
    [31, [other]],
  ] as const)
    for (const tenantId of tenantIds) {
      await put(tenantId, { rotateEveryDays: 30 });
      await age(tenantId, days);
    }
  const [first] = (await round())?.begun ?? [];
  assert.ok(theirs.includes(first?.tenantId ?? ''));
  await pool.query(
    `update rekey.rotations set waiting_for = 'kek_suspended',
       waiting_detail = '{"what": "the KMS refuses the use of KEK hcvault:theirs: it is disabled", "since": null, "todo": ""}'
     where id = $1`,
    [first?.rotationId],
  );
  const then = [];
  for (let n = 0; n < 4; n += 1) then.push(...((await round())?.begun ?? []));
  assert.deepEqual(
    then.map(({ tenantId }) => tenantId),
    [other],
  );
  for (const { rotationId } of then) await core.finish(rotationId);
  // It was given back.
  await pool.query('update rekey.rotations set waiting_for = null, waiting_detail = null where id = $1', [
    first?.rotationId,
  ]);
  assert.deepEqual((await round())?.begun, [], 'that one has the place');
  await pool.query('select rekey.cancel_rotation($1)', [first?.rotationId]);
  assert.ok(theirs.includes((await round())?.begun[0]?.tenantId ?? ''));
  await clear();
});

test('what rounds write down of how keys stand is what holds', async () => {
  const standing = `select tenant_id, dek_id, level, due_at, overdue_at, tries, tried_at, policy, policy_version`;
  const agree = async (): Promise<number> => {
    await round();
    const kept = await all(`${standing} from rekey.policy_standings order by dek_id`);
    assert.deepEqual(kept, await all(`${standing} from rekey.policy_standing(null) order by dek_id`));
    return kept.length;
  };
  const tenants = await Promise.all(Array.from({ length: 6 }, () => core.createTenant()));
  for (const [n, tenantId] of tenants.entries()) {
    await put(tenantId, { rotateEveryDays: 30 });
    await age(tenantId, n * 10);
  }
  assert.ok((await agree()) >= 6);
  // Of each tenant alone it is the same as among all.
  for (const { level, tenant_id: tenantId } of await all('select * from rekey.policy_standings'))
    assert.equal(await levelOf(tenantId), level);
  const [first = ''] = tenants;
  await core.startAndRotate(first);
  await put(tenants[1] ?? '', { rotateEveryDays: null });
  await put(null, { rotateBeforeSeals: 5 });
  assert.ok((await agree()) >= 6);
});

test('a policy over the default says the same whichever fields are left out, null or bounded', async () => {
  const merged = async (standard: object, own: object | null) =>
    (await all('select rekey.merge_policies($1, $2) as m', [standard, own]))[0].m;
  const bounds = { rotateEveryDaysMin: 10, rotateEveryDaysMax: 90, rotateBeforeSealsMax: 1_000 };
  const none = {
    rotateEveryDays: null,
    rotateBeforeSeals: null,
    destroyAfterDays: null,
    windows: null,
    kek: null,
  };
  const cases: ReadonlyArray<readonly [standard: object, own: object | null, says: object]> = [
    [{}, null, {}],
    [{ rotateEveryDays: 0 }, null, { rotateEveryDays: 1 }],
    [{ rotateEveryDays: 50 }, { rotateEveryDays: null }, {}],
    [{ bounds }, null, { rotateEveryDays: 90, rotateBeforeSeals: 1_000 }],
    [
      { bounds },
      { rotateEveryDays: null, rotateBeforeSeals: null },
      { rotateEveryDays: 90, rotateBeforeSeals: 1_000 },
    ],
    [
      { bounds },
      { rotateEveryDays: 400, rotateBeforeSeals: 5 },
      { rotateEveryDays: 90, rotateBeforeSeals: 5 },
    ],
    [{ bounds }, { rotateEveryDays: 2 }, { rotateEveryDays: 10, rotateBeforeSeals: 1_000 }],
    [{ destroyAfterDays: 30 }, {}, { destroyAfterDays: 30 }],
    [{ destroyAfterDays: 30 }, { destroyAfterDays: 10 }, { destroyAfterDays: 30 }],
    [{ destroyAfterDays: 30 }, { destroyAfterDays: 60 }, { destroyAfterDays: 60 }],
    [{ destroyAfterDays: 30 }, { destroyAfterDays: null }, {}],
    [{ destroyAfterDays: null }, { destroyAfterDays: 60 }, {}],
    [{ kek: 'a' }, { kek: 'b' }, { kek: 'b' }],
    [{ kek: 'a' }, { kek: null }, {}],
  ];
  for (const [standard, own, says] of cases)
    assert.deepEqual(await merged(standard, own), { ...none, ...says }, JSON.stringify([standard, own]));
});
