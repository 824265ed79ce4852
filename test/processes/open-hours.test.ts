import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenHours } from '@rekey/control';
import { startApplication } from '../harness/application.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue, type SeededTenant } from '../harness/seed.ts';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 1, workerEnv: { BATCH_SIZE: '50' } });

type Shown = StatusData & { windows: OpenHours[] | null; waitingDetail: { what: string } | null };

async function patch(rotationId: string, body: object): Promise<{ status: number; data: Shown }> {
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/dek/rotations/${rotationId}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${rekey.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, data: ((await answer.json()) as { data: Shown }).data };
}

const stateOf = async (rotationId: string): Promise<Shown> =>
  (await rekey.status(rotationId)).body.data as Shown;
/** By the ranges themselves, whatever is told. */
const rotated = async (rotationId: string): Promise<number> =>
  (
    await pool.query<{ n: number }>(
      'select coalesce(sum(rotated), 0)::int as n from rekey.rotation_ranges where rotation_id = $1',
      [rotationId],
    )
  ).rows[0]?.n ?? 0;

async function sweeping(tenant: SeededTenant): Promise<string> {
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await until(async () => sums(await stateOf(rotationId)).rotated >= 200, {
    what: 'it is swept',
    everyMs: 5,
  });
  return rotationId;
}

/** Every day by UTC, from and to so many minutes from now. */
function hours(fromMinutes: number, toMinutes: number): OpenHours {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  return { days, from: at(fromMinutes), to: at(toMinutes), timeZone: 'UTC' };
}

async function isCompleted(rotationId: string, tenant: SeededTenant): Promise<void> {
  await until(async () => (await stateOf(rotationId)).status === 'completed', { what: 'it ends' });
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
}

test('outside of its windows a rotation stands still and takes nobody’s place; lifted, it ends', async () => {
  const tenant = await rekey.seedTenant(8_500);
  const rotationId = await sweeping(tenant);
  const id = rotationId.slice('rot-'.length);
  const closed = await patch(rotationId, { windows: [hours(120, 180)], reason: 'at night' });
  assert.equal(closed.status, 200);
  assert.deepEqual([closed.data.status, closed.data.waitingFor], ['in_progress', 'window']);
  assert.match(closed.data.waitingDetail?.what ?? '', /outside of its windows until/);
  const stood = await rotated(id);
  assert.ok(stood < 8_500, String(stood));

  // Others have the worker to themselves: more of them than it has places.
  for (let n = 0; n < 3; n += 1) {
    const other = await rekey.seedTenant(85);
    const { rotationId: another } = (await rekey.rotate(other.tenantId)).body.data;
    await isCompleted(another, other);
  }
  // Longer than any silence after which a rotation is taken for lost.
  await sleep(14_000);
  assert.equal(await rotated(id), stood);
  const { rows: owned } = await pool.query(
    'select from rekey.rotation_ranges where rotation_id = $1 and owner is not null',
    [id],
  );
  assert.equal(owned.length, 0);
  assert.equal((await stateOf(rotationId)).waitingFor, 'window');

  const lifted = await patch(rotationId, { windows: null });
  assert.deepEqual([lifted.status, lifted.data.windows], [200, null]);
  await isCompleted(rotationId, tenant);
  const { rows } = await pool.query<{ kind: string }>(
    `select kind from rekey.events where rotation_id = $1 and kind like 'rotation.window%' order by sequence`,
    [id],
  );
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    [
      'rotation.windows_changed',
      'rotation.window_closed',
      'rotation.windows_changed',
      'rotation.window_opened',
    ],
  );
});

test('at a window’s end the sweep stands still, and goes on by itself when the next one opens', async () => {
  const tenant = await rekey.seedTenant(17_000);
  const application = startApplication(rekey, tenant);
  const rotationId = await sweeping(tenant);
  const id = rotationId.slice('rot-'.length);
  // The window ends with this minute, or the next one, and another one begins a minute later.
  const ends = Date.now() % 60_000 > 40_000 ? 2 : 1;
  const opensMs = (Math.floor(Date.now() / 60_000) + ends + 1) * 60_000;
  const open = await patch(rotationId, {
    windows: [hours(-60, ends), hours(ends + 1, 120)],
    itemsPerSecondMax: 40,
  });
  assert.deepEqual([open.data.status, open.data.waitingFor], ['in_progress', null]);
  const waiting = await until(
    async () => {
      const now = await stateOf(rotationId);
      return now.waitingFor === 'window' && now;
    },
    { what: 'it waits for its windows', timeoutMs: 120_000 },
  );
  assert.match(waiting.waitingDetail?.what ?? '', /outside of its windows until/);
  // Whoever is told so sees nothing of it go on, and is told so all the while, by Redis' word and by that of Postgres.
  const stood = await rotated(id);
  assert.ok(stood < 17_000);
  let looks = 0;
  for (; ; looks += 1) {
    const [now, done] = [await stateOf(rotationId), await rotated(id)];
    if (Date.now() >= opensMs) break;
    assert.deepEqual([now.status, now.waitingFor, done], ['in_progress', 'window', stood]);
    await sleep(500);
  }
  assert.ok(looks > 0);
  await until(async () => (await rotated(id)) > stood, { what: 'it goes on', timeoutMs: 90_000 });
  assert.ok(Date.now() >= opensMs);
  await patch(rotationId, { itemsPerSecondMax: null });
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  await application.stop();
  assert.deepEqual([application.seen.errors, application.seen.lost], [[], []]);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
});

test('a rotation because of a compromised key has no windows, whoever says so', async () => {
  const tenant = await rekey.seedTenant(85);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await isCompleted(rotationId, tenant);
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<{ id: string }>(
      `select id from rekey.begin_rotation(gen_random_uuid(), $1, gen_random_uuid(), '{"id": "x"}', '{}', true, null)`,
      [tenant.tenantId],
    );
    const id = rows[0]?.id;
    const change = 'select rekey.change_hours($1, $2, null, true, null, null) as outcome';
    const { rows: outcomes } = await client.query<{ outcome: string }>(change, [id, '[]']);
    assert.equal(outcomes[0]?.outcome, 'not_held_back');
    await assert.rejects(client.query(`update rekey.rotations set windows = '[]' where id = $1`, [id]), {
      code: 'RK005',
    });
  } finally {
    await client.query('rollback');
    client.release();
  }
});
