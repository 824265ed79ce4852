/** What a rotation is said to wait for once its windows are closed, whatever else is written to it at that moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beat,
  limitRotation,
  pauseRotation,
  type RotationView,
  resumeRotation,
  takeUp,
} from '@rekey/control';
import type { OpenHours } from '@rekey/times';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, pool } = core;

const operator = { kind: 'user', realm: '', id: 'ada', name: null, email: null } as const;
const steering = { actor: operator, reason: null };

/** Every day by UTC, beginning in so many hours. */
function hours(inHours: number): OpenHours[] {
  const at = (later: number): string =>
    new Date(Date.now() + (inHours + later) * 3_600_000).toISOString().slice(11, 16);
  return [
    {
      days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
      from: at(0),
      to: at(2),
      timeZone: 'UTC',
    },
  ];
}
const open = hours(-1);
const closed = hours(4);
const inFourHours = (): Date => new Date(Date.now() + 4 * 3_600_000);

async function running(): Promise<string> {
  const rotationId = await core.start(await core.createTenant());
  assert.notEqual(await takeUp(store, rotationId), null);
  return rotationId;
}
const setHours = (rotationId: string, windows: OpenHours[]): Promise<unknown> =>
  limitRotation(store, rotationId, { ...steering, windows, mayRaise: true });

function isShut(view: RotationView | undefined): void {
  assert.deepEqual([view?.status, view?.waitingFor], ['in_progress', 'window']);
  assert.match(view?.waitingDetail?.what ?? '', /^outside of its windows until /);
  assert.match(view?.waitingDetail?.todo ?? '', /goes on by itself/);
}

/** A heartbeat that began before this was committed, and waits for it. */
async function beatMeanwhile(
  rotationId: string,
  statement: string,
  values: unknown[],
): Promise<RotationView | undefined> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(statement, values);
    const beating = beat(store, rotationId);
    beating.catch(() => {}); // awaited below
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await until(
      async () =>
        (
          await pool.query('select from pg_stat_activity where $1::integer = any (pg_blocking_pids(pid))', [
            own[0]?.pid,
          ])
        ).rowCount === 1,
      { what: 'the heartbeat waits for the rotation’s row' },
    );
    await client.query('commit');
    return (await beating)?.view;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('a heartbeat that was under way when its windows closed does not take away that it waits for them', async () => {
  const rotationId = await running();
  await setHours(rotationId, open);
  isShut(
    await beatMeanwhile(rotationId, 'select from rekey.keep_hours($1, $2, $3)', [
      rotationId,
      JSON.stringify(open),
      inFourHours(),
    ]),
  );
  isShut(await core.view(rotationId));
});

test('nor one that was under way when somebody gave it other windows, and none says so once they are open', async () => {
  const rotationId = await running();
  const change = 'select rekey.change_hours($1, $2, $3, true, null, $4)';
  const values = (windows: OpenHours[] | null, opensAt: Date | null): unknown[] => [
    rotationId,
    windows === null ? null : JSON.stringify(windows),
    opensAt,
    JSON.stringify(operator),
  ];
  isShut(await beatMeanwhile(rotationId, change, values(closed, inFourHours())));
  isShut(await core.view(rotationId));
  const lifted = await beatMeanwhile(rotationId, change, values(null, null));
  assert.deepEqual([lifted?.waitingFor, lifted?.waitingDetail], [null, null]);
});

test('one that waited for a range’s note says what that notes', async () => {
  const rotationId = await running();
  await pool.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned) values ($1, 'secrets', 1, 1)`,
    [rotationId],
  );
  const seen = await beatMeanwhile(
    rotationId,
    `with noted as (update rekey.rotation_ranges set waiting_for = 'lock' where rotation_id = $1 returning 1)
     update rekey.rotations set version = version + 1 where id = $1 and exists (select from noted)`,
    [rotationId],
  );
  assert.equal(seen?.waitingFor, 'lock');
});

test('resumed outside of its windows it waits for them, and within them for nothing', async () => {
  for (const order of ['closed, then paused', 'paused, then closed'] as const) {
    const rotationId = await running();
    if (order === 'closed, then paused') await setHours(rotationId, closed);
    assert.equal((await pauseRotation(store, rotationId, steering)).kind, 'changed');
    if (order === 'paused, then closed') await setHours(rotationId, closed);
    const paused = await core.view(rotationId);
    assert.deepEqual([paused.status, paused.waitingFor], ['paused', null], order);
    const resumed = await resumeRotation(store, rotationId, steering);
    assert.ok(resumed.kind === 'changed', resumed.kind);
    isShut(resumed.view);
    isShut(await core.view(rotationId));
    isShut((await beat(store, rotationId))?.view);

    await pauseRotation(store, rotationId, steering);
    await setHours(rotationId, open);
    const within = await resumeRotation(store, rotationId, steering);
    assert.ok(within.kind === 'changed', within.kind);
    assert.deepEqual([within.view.waitingFor, within.view.waitingDetail], [null, null]);
  }
});
