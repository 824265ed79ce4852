/** Windows that end while somebody has the rotation's row for longer than a heartbeat waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitRotation, type OpenHours, takeUp } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createLogger } from '@rekey/runtime';
import { createKeepHours } from '@rekey/worker';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, pool } = core;
const prompt = openStore({
  ...patient,
  url: core.database.url,
  session: { lock_timeout: 300 },
  onError: () => {},
});
test.after(() => prompt.end());

const actor = { kind: 'user', realm: '', id: 'ada', name: null, email: null } as const;

/** Every day by UTC, beginning in so many hours, for two. */
function hours(inHours: number): OpenHours[] {
  const at = (hour: number): string =>
    new Date(Date.now() + (inHours + hour) * 3_600_000).toISOString().slice(11, 16);
  return [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: at(0), to: at(2), timeZone: 'UTC' },
  ];
}

/** A rotation in the midst of its sweep, whose windows are over since nobody has looked. */
async function sweptOutOfHours(): Promise<string> {
  const rotationId = await core.start(await core.createTenant());
  assert.notEqual(await takeUp(store, rotationId), null);
  await pool.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned, owner, heartbeat_at)
     values ($1, 'secrets', 1, 1, gen_random_uuid(), clock_timestamp())`,
    [rotationId],
  );
  const windows = hours(4);
  await limitRotation(store, rotationId, { actor, reason: null, windows: hours(-1), mayRaise: true });
  await pool.query('update rekey.rotations set windows = $2 where id = $1', [
    rotationId,
    JSON.stringify(windows),
  ]);
  return rotationId;
}

const isShut = async (rotationId: string): Promise<boolean> => {
  const { rows } = await pool.query<{ owned: number }>(
    `select count(g.owner)::int as owned from rekey.rotations r join rekey.rotation_ranges g on g.rotation_id = r.id
     where r.id = $1 and r.waiting_for = 'window'`,
    [rotationId],
  );
  return rows[0]?.owned === 0 && (await core.view(rotationId)).waitingFor === 'window';
};

test('whose row somebody holds is closed as soon as it is free, and keeps nobody else from it', async () => {
  const [slow, other] = [await sweptOutOfHours(), await sweptOutOfHours()].sort() as [string, string];
  const keepHours = createKeepHours({
    store: prompt,
    waitingStore: store,
    waitsMax: 1,
    ticketQueue: { enqueueLost: async () => true },
    publish: () => {},
    logger: createLogger({ name: 'worker', level: 'silent', write: () => {} }),
  });
  // Both in turn, so that whichever is found first is held up once.
  for (const [held, free] of [
    [slow, other],
    [other, slow],
  ] as const) {
    const session = await pool.connect();
    try {
      await session.query('begin');
      await session.query('select from rekey.rotations where id = $1 for update', [held]);
      await keepHours();
      assert.equal(await isShut(free), true);
      assert.equal(await isShut(held), false);
      const waits = async (): Promise<boolean> =>
        (
          await pool.query(
            `select from pg_stat_activity a join pg_locks l on l.pid = a.pid and not l.granted
             where $1::integer = any (pg_blocking_pids(a.pid)) and l.waitstart < clock_timestamp() - interval '1 second'`,
            [(await session.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid],
          )
        ).rowCount === 1;
      await until(waits, { what: 'somebody waits for it for longer than a heartbeat' });
      await session.query('commit');
    } finally {
      await session.query('rollback');
      session.release();
    }
    // No round comes meanwhile.
    await until(() => isShut(held), { what: 'it is closed once its row is free' });
    // And again the other way round, as if its windows had ended anew.
    await limitRotation(store, slow, { actor, reason: null, windows: hours(-1), mayRaise: true });
    await limitRotation(store, other, { actor, reason: null, windows: hours(-1), mayRaise: true });
    await pool.query('update rekey.rotations set windows = $1 where id = any ($2)', [
      JSON.stringify(hours(5)),
      [slow, other],
    ]);
    await pool.query(
      'update rekey.rotation_ranges set owner = gen_random_uuid() where rotation_id = any ($1)',
      [[slow, other]],
    );
  }
});
