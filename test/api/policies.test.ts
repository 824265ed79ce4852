import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { pastTheTriggers } from '../harness/damage.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, seededTenant } from './live-api.ts';
import { api, database, defaultPath, everybody, get, pathOf, put, set } from './policy-calls.ts';

const issues = (answer: Answer): string[] =>
  answer.json.error.issues.map(({ path }: { path: string }) => path).sort();
async function eventsOf(kind: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.query(
    `select chain, actor ->> 'id' as actor, payload from rekey.events where kind = $1 order by at`,
    [kind],
  );
  return rows;
}

test('a policy is read with its version, put in place of that version, and of no other', async () => {
  const path = pathOf(await emptyTenant(api.database));
  const none = await get(path);
  assert.equal(none.status, 200);
  assert.equal(none.headers.etag, '"0"');
  assert.deepEqual([none.json.data.version, none.json.data.putAt, none.json.data.policy], [0, null, {}]);

  checkError(await put(path, { rotateEveryDays: 30 }, undefined), 'PRECONDITION_REQUIRED');
  checkError(await put(path, { rotateEveryDays: 30 }, '"1"'), 'PRECONDITION_FAILED');
  checkError(await put(path, { rotateEveryDays: 30 }, 'W/"0"'), 'INVALID_REQUEST');
  const first = await put(path, { rotateEveryDays: 30 }, '"0"');
  assert.deepEqual([first.status, first.headers.etag, first.json.data.version], [200, '"1"', 1]);
  assert.equal(first.json.data.effective.rotateEveryDays, 30);
  checkError(await put(path, { rotateEveryDays: 31 }, '"0"'), 'PRECONDITION_FAILED');
  // What it says already is no version more.
  assert.equal((await put(path, { rotateEveryDays: 30 }, '"1"')).headers.etag, '"1"');
  assert.equal((await put(path, { rotateEveryDays: null }, '"1"')).headers.etag, '"2"');
});

test('of many who replace the same version one does', async () => {
  const path = pathOf(await emptyTenant(api.database));
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => put(path, { rotateEveryDays: n + 1 }, '"0"')),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array<number>(11).fill(412)]);
});

test('each version is an event of its chain, with who put it and why', async () => {
  const tenantId = await emptyTenant(api.database);
  const before = (await eventsOf('policy.changed')).length;
  await set(pathOf(tenantId), { rotateEveryDays: 30, reason: 'as agreed' });
  await set(defaultPath, { rotateEveryDays: 400 });
  const [own, standard] = (await eventsOf('policy.changed')).slice(before);
  assert.equal(own?.chain, tenantId);
  assert.deepEqual(own?.payload, { version: 1, policy: { rotateEveryDays: 30 }, reason: 'as agreed' });
  assert.notEqual(standard?.chain, tenantId);
  assert.ok(own?.actor !== null && own?.actor === standard?.actor);
});

test('a tenant departs from the default field by field, within its bounds, also where they come later', async () => {
  const path = pathOf(await emptyTenant(api.database));
  await set(defaultPath, { rotateEveryDays: 90, rotateBeforeSeals: 1_000_000 });
  await set(path, { rotateEveryDays: 300 });
  const effective = async (): Promise<Record<string, unknown>> => (await get(path)).json.data.effective;
  assert.deepEqual(
    [(await effective()).rotateEveryDays, (await effective()).rotateBeforeSeals],
    [300, 1_000_000],
  );
  const bounds = { rotateEveryDaysMin: 7, rotateEveryDaysMax: 180, rotateBeforeSealsMax: 2_000_000 };
  await set(defaultPath, { rotateEveryDays: 90, rotateBeforeSeals: 1_000_000, bounds });
  assert.equal((await effective()).rotateEveryDays, 180, 'what was put before is brought within them');
  for (const [body, where] of [
    [{ rotateEveryDays: 181 }, 'body.rotateEveryDays'],
    [{ rotateEveryDays: null }, 'body.rotateEveryDays'],
    [{ rotateEveryDays: 6 }, 'body.rotateEveryDays'],
    [{ rotateBeforeSeals: 2_000_001 }, 'body.rotateBeforeSeals'],
    [{ rotateBeforeSeals: null }, 'body.rotateBeforeSeals'],
  ] as const) {
    const answer = await set(path, body);
    checkError(answer, 'INVALID_REQUEST', JSON.stringify(body));
    assert.deepEqual(issues(answer), [where], JSON.stringify(body));
  }
  // The default keeps to its own.
  assert.deepEqual(issues(await set(defaultPath, { rotateEveryDays: 200, rotateBeforeSeals: 1, bounds })), [
    'body.rotateEveryDays',
  ]);
  assert.equal((await set(path, { rotateEveryDays: 180 })).status, 200);
});

test('rewraps and what is left have bounds of their own, and a tenant is told how old its wrapping is', async () => {
  const { tenantId, dekId } = await seededTenant(api.database);
  const path = pathOf(tenantId);
  const bounds = { rewrapEveryDaysMin: 7, rewrapEveryDaysMax: 180, retireAfterDaysMax: 30 };
  await set(path, { rewrapEveryDays: 365 });
  await set(defaultPath, { rewrapEveryDays: 90, retireAfterDays: 14, bounds });
  const { effective } = (await get(path)).json.data;
  assert.deepEqual([effective.rewrapEveryDays, effective.retireAfterDays], [180, 14]);
  for (const [body, where] of [
    [{ rewrapEveryDays: 181 }, 'body.rewrapEveryDays'],
    [{ rewrapEveryDays: null }, 'body.rewrapEveryDays'],
    [{ rewrapEveryDays: 6 }, 'body.rewrapEveryDays'],
    [{ retireAfterDays: 31 }, 'body.retireAfterDays'],
    [{ retireAfterDays: null }, 'body.retireAfterDays'],
  ] as const)
    assert.deepEqual(issues(await set(path, body)), [where], JSON.stringify(body));
  const odd = { rewrapEveryDays: 8, retireAfterDays: 1, bounds: { ...bounds, rewrapEveryDaysMax: 6 } };
  assert.deepEqual(issues(await set(defaultPath, odd)), [
    'body.bounds.rewrapEveryDaysMin',
    'body.rewrapEveryDays',
  ]);
  assert.equal((await set(path, { rewrapEveryDays: 100 })).status, 200);
  await pastTheTriggers(database, (tx) =>
    tx.query(`update rekey.dek_material set wrapped_at = now() - interval '101 days' where dek_id = $1`, [
      dekId,
    ]),
  );
  const { wrapping, standing } = (await get(path)).json.data;
  assert.deepEqual([wrapping.level, wrapping.tries, wrapping.triedAt], ['overdue', 0, null]);
  assert.equal(Date.parse(wrapping.overdueAt) - Date.parse(wrapping.wrappedAt), 100 * 86_400_000);
  assert.deepEqual([standing.level, standing.dueAt], ['fresh', null], 'no age makes the key itself due');
  await set(defaultPath, {});
});

test('how long keys are kept is lengthened only: by a tenant over the default, and by the default', async () => {
  const path = pathOf(await emptyTenant(api.database));
  await set(defaultPath, { rotateEveryDays: 90 });
  assert.deepEqual(issues(await set(path, { destroyAfterDays: 30 })), ['body.destroyAfterDays']);
  assert.equal((await set(defaultPath, { destroyAfterDays: 60 })).status, 200);
  assert.deepEqual(issues(await set(path, { destroyAfterDays: 59 })), ['body.destroyAfterDays']);
  assert.equal((await set(path, { destroyAfterDays: 61 })).json.data.effective.destroyAfterDays, 61);
  assert.deepEqual(issues(await set(defaultPath, { destroyAfterDays: 59 })), ['body.destroyAfterDays']);
  assert.equal((await set(defaultPath, {})).status, 200);
  assert.deepEqual(
    issues(await set(defaultPath, { destroyAfterDays: 59 })),
    ['body.destroyAfterDays'],
    'not by leaving it out first',
  );
  assert.equal((await set(defaultPath, { destroyAfterDays: 70 })).status, 200);
  assert.equal((await get(path)).json.data.effective.destroyAfterDays, 70);
  assert.equal((await set(path, { destroyAfterDays: null })).json.data.effective.destroyAfterDays, null);
  // Longest of all is never, and from there it is shortened by nobody who calls.
  assert.equal((await set(defaultPath, { destroyAfterDays: null })).status, 200);
  assert.deepEqual(issues(await set(defaultPath, { destroyAfterDays: 3_000 })), ['body.destroyAfterDays']);
});

test('windows that are none, name no time zone, or open too late are refused, and so is what has another shape', async () => {
  const path = pathOf(await emptyTenant(api.database));
  const window = { days: ['mon'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' };
  assert.deepEqual((await set(path, { windows: [window] })).json.data.effective.windows, [window]);
  for (const windows of [
    [],
    [{ ...window, timeZone: 'Europe/Bonn' }],
    [{ ...window, timeZone: '+02:00' }],
    [{ ...window, days: [] }],
    [{ ...window, days: ['monday'] }],
    [{ ...window, from: '24:00' }],
    [{ ...window, from: '9:00' }],
    [{ ...window, until: '10:00' }],
    Array(21).fill(window),
    'always',
  ]) {
    assert.deepEqual(issues(await set(path, { windows })), ['body.windows'], JSON.stringify(windows));
  }
  for (const body of [{ rotateEveryDays: 0 }, { rotateEveryDays: 1.5 }, { rotateEveryDays: '30' }])
    assert.deepEqual(issues(await set(path, body)), ['body.rotateEveryDays']);
  assert.deepEqual(issues(await set(path, { bounds: {} })), ['body.bounds']);
  assert.deepEqual(issues(await set(path, { kek: 'unheard-of' })), ['body.kek']);
  assert.equal((await set(path, { windows: null })).json.data.effective.windows, null);
});

test('a tenant is read and changed by its own people, the default by those of the installation', async () => {
  const [mine, other] = [await emptyTenant(api.database), await emptyTenant(api.database)];
  const admin = bearer({ roles: ['security_admin'], tenantId: mine });
  const auditor = bearer({ roles: ['security_auditor'], tenantId: mine });
  const operator = bearer({ roles: ['security_operator'], tenantId: mine });
  const installation = bearer({ roles: ['security_admin'], tenantId: '*' });
  assert.equal((await put(pathOf(mine), { rotateEveryDays: 30 }, '"0"', admin)).status, 200);
  assert.equal((await get(pathOf(mine.toUpperCase()), auditor)).status, 200);
  for (const refused of [
    await put(pathOf(other), { rotateEveryDays: 30 }, '"0"', admin),
    await get(pathOf(other), admin),
    await get(defaultPath, admin),
    await put(defaultPath, {}, '"0"', admin),
    await put(pathOf(mine), {}, '"1"', auditor),
    await put(pathOf(mine), {}, '"1"', operator),
    await get(pathOf(mine), operator),
  ])
    checkError(refused, 'INSUFFICIENT_PERMISSIONS');
  assert.equal((await get(defaultPath, installation)).status, 200);
  checkError(await get(pathOf(randomUUID())), 'TENANT_NOT_FOUND');
  checkError(await get(pathOf('none')), 'TENANT_NOT_FOUND');
  checkError(await put(pathOf(randomUUID()), {}, '"0"'), 'TENANT_NOT_FOUND');
  checkError(await get(pathOf(mine), { ...everybody, 'x-tenantid': other }), 'INVALID_REQUEST');
});

test('what protects keys whatever a policy says stands beside it', async () => {
  await database.query(`select rekey.change_setting('backup_horizon_seconds', 864000)`);
  assert.deepEqual((await get(defaultPath)).json.data.protection, {
    destructionGraceSeconds: 2_592_000,
    destructionUnusedSeconds: 2_592_000,
    backupHorizonSeconds: 864_000,
    destructionApprovals: 0,
  });
});
