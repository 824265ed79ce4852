import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerKek } from '@rekey/control';
import { pastTheTriggers } from '../harness/damage.ts';
import { holdsNobody } from '../harness/holds-nobody.ts';
import { age, all, core, levelOf, pool, put, round } from './policy-rounds-desk.ts';

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

test('a tenant that somebody has holds up nobody else who is due, and is begun once it is free', async () => {
  await clear();
  await put(null, { rotationsAtOnce: 4 });
  const [first, second] = [await core.createTenant(), await core.createTenant()];
  for (const [tenantId, days] of [
    [first, 200],
    [second, 31],
  ] as const) {
    await put(tenantId, { rotateEveryDays: 30 });
    await age(tenantId, days); // the one that is held has waited longest
  }
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select from rekey.tenants where id = $1 for update', [first]);
    const begun = await holdsNobody(round());
    assert.deepEqual(
      begun?.begun.map(({ tenantId }) => tenantId),
      [second],
    );
  } finally {
    await client.query('rollback');
    client.release();
  }
  assert.deepEqual(
    (await round())?.begun.map(({ tenantId }) => tenantId),
    [first],
  );
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
    rewrapEveryDays: null,
    retireAfterDays: null,
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
    [{ rewrapEveryDays: 50 }, { rewrapEveryDays: null }, {}],
    [{ bounds: { rewrapEveryDaysMax: 90 } }, { rewrapEveryDays: null }, { rewrapEveryDays: 90 }],
    [{ bounds: { rewrapEveryDaysMin: 10 } }, { rewrapEveryDays: 2 }, { rewrapEveryDays: 10 }],
    [{ bounds: { rewrapEveryDaysMin: 10 } }, {}, {}],
    [{ bounds: { retireAfterDaysMax: 9 } }, { retireAfterDays: 30 }, { retireAfterDays: 9 }],
    [{ bounds: { retireAfterDaysMax: 9 }, retireAfterDays: 3 }, {}, { retireAfterDays: 3 }],
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
