import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import {
  cancelRotation,
  completeRotation,
  failRotation,
  findRotation,
  firstState,
  type RotationPhase,
  type RotationStatus,
  rotationMoves,
  rotationPhases,
  rotationStatuses,
  takeUp,
} from '@rekey/control';
import { claimRange, renewLease } from '@rekey/data';
import { concludeHere, prepareSweep, sweepHere } from '@rekey/rotation';
import { Pool } from 'pg';
import { asRole, roles } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, env } = core;
const signal = new AbortController().signal;

const pools = roles.map((role) => ({
  role,
  pool: new Pool({ connectionString: asRole(core.database.url, role), max: 1 }),
}));
for (const { pool } of pools) pool.on('error', () => {});
after(() => Promise.all(pools.map(({ pool }) => pool.end())));

interface State {
  readonly status: RotationStatus;
  readonly phase: RotationPhase;
  readonly switched: boolean;
}

const isEnd = ({ status }: Pick<State, 'status'>): boolean => status !== 'in_progress' && status !== 'paused';

/** Those that the columns' own conditions admit. */
const states: readonly State[] = rotationStatuses.flatMap((status) =>
  rotationPhases.flatMap((phase) =>
    [false, true]
      .map((switched) => ({ status, phase, switched }))
      .filter((state) => isEnd(state) === (phase === 'done'))
      .filter(
        (state) =>
          state.switched || ['queued', 'activating'].includes(phase) || /failed|cancelled/.test(status),
      ),
  ),
);

function isMove(from: State, to: State): boolean {
  if (from.status === to.status && from.phase === to.phase && from.switched === to.switched)
    return !isEnd(from);
  return rotationMoves.some(
    (move) =>
      move.from.status === from.status &&
      move.from.phases.includes(from.phase) &&
      move.to.status === to.status &&
      (move.to.phase ?? from.phase) === to.phase &&
      (move.event === 'switch' ? !from.switched && to.switched : from.switched === to.switched),
  );
}

const columns = `status = $2, phase = $3, switched_at = case when $4::boolean then timestamptz '2026-01-01' end,
  completed_at = case when $3 = 'done' then now() end,
  failure_reason = case when $2 = 'failed' then 'KEK_DENIED' end`;

/** A rotation of which everything is proved, and that nobody has ended. */
async function proved(records = 2): Promise<string> {
  const { tenantId } = await core.tenantWith(records);
  const rotationId = await core.start(tenantId);
  const prepared = await prepareSweep(env, rotationId, signal);
  assert.ok(prepared !== null);
  assert.equal(await sweepHere(env, prepared, signal), 'done');
  return rotationId;
}

const pause = (rotationId: string, status = 'paused'): Promise<unknown> =>
  store.query('update rekey.rotations set status = $2 where id = $1', [rotationId, status]);

test('the table of moves is the same in the database', async () => {
  const { rows } = await store.query('select * from rekey.rotation_moves()');
  assert.deepEqual(
    rows,
    rotationMoves.map(({ event, from, to }) => ({
      event,
      from_status: from.status,
      from_phases: [...from.phases],
      to_status: to.status,
      to_phase: to.phase,
    })),
  );
  const rotationId = await core.start(await core.createTenant());
  const view = await findRotation(store, rotationId);
  assert.deepEqual({ status: view?.status, phase: view?.phase }, firstState);
});

test('of all pairs of states the database admits the moves of the table, and no other', async (t) => {
  const rotationId = await proved();
  const client = await store.connect();
  let admitted = 0;
  try {
    for (const from of states) {
      for (const to of states) {
        await client.query('begin');
        // Where it is is not asked; where it goes is.
        await client.query(`set local session_replication_role = 'replica'`);
        const at = [rotationId, from.status, from.phase, from.switched];
        await client.query(`update rekey.rotations set ${columns} where id = $1`, at);
        await client.query(`set local session_replication_role = 'origin'`);
        const going = client.query(`update rekey.rotations set ${columns} where id = $1`, [
          rotationId,
          to.status,
          to.phase,
          to.switched,
        ]);
        const refused = await sqlState(going);
        assert.equal(
          refused,
          isMove(from, to) ? undefined : 'RK005',
          `${JSON.stringify(from)} → ${JSON.stringify(to)}`,
        );
        if (refused === undefined) admitted += 1;
        await client.query('rollback');
      }
    }
  } finally {
    client.release();
  }
  t.diagnostic(`${admitted} of ${states.length ** 2} pairs are admitted`);
  assert.ok(admitted > 30 && admitted < states.length ** 2 / 4);
});

test('a paused rotation of which all is proved is completed by nobody, in whatever role', async () => {
  const rotationId = await proved();
  await pause(rotationId);
  const { version } = (await store.query('select version from rekey.rotations where id = $1', [rotationId]))
    .rows[0];
  const byHand = `update rekey.rotations set status = 'completed', phase = 'done', completed_at = now() where id = $1`;
  const byFunction = `select id from rekey.complete_rotation($1, ${version}, 'completed', '{}', now())`;
  for (const { role, pool } of pools) {
    assert.equal(await sqlState(pool.query(byHand, [rotationId])), '42501', role);
    if (role === 'worker') assert.deepEqual((await pool.query(byFunction, [rotationId])).rows, []);
    else assert.equal(await sqlState(pool.query(byFunction, [rotationId])), '42501', role);
  }
  // The owner may write anything, and is refused it all the same.
  assert.equal(await sqlState(store.query(byHand, [rotationId])), 'RK005');
  assert.deepEqual((await store.query(byFunction, [rotationId])).rows, []);
  assert.deepEqual(await completeRotation(store, rotationId), { kind: 'finished' });
  assert.equal((await findRotation(store, rotationId))?.status, 'paused');

  await pause(rotationId, 'in_progress');
  assert.equal(await concludeHere(env, rotationId), 'done');
});

test('a paused rotation goes no way but back and to its cancel: nothing takes it up, switches, sweeps, proves or fails it', async () => {
  const { tenantId } = await core.tenantWith(1);
  const order = await readyToSwitch(core, tenantId);
  const { rotationId } = order;
  await pause(rotationId);
  assert.equal(await takeUp(store, rotationId), null);
  const { rows: switched } = await store.query('select rekey.switch_to_dek($1, $2, $3, $4) as it', [
    rotationId,
    tenantId,
    order.previousDekId,
    order.newDekId,
  ]);
  assert.deepEqual(switched, [{ it: 'not_ours' }]);
  await pause(rotationId, 'in_progress');

  const prepared = await prepareSweep(env, rotationId, signal);
  assert.ok(prepared !== null);
  const [range, another] = prepared.ranges;
  assert.ok(range !== undefined && another !== undefined);
  const owner = crypto.randomUUID();
  const lease = await claimRange(store, range, owner);
  assert.ok(lease !== null);
  await pause(rotationId);
  assert.equal(await claimRange(store, another, crypto.randomUUID()), null);
  // Who held it before learns of it by the next sign of life, and proves nothing.
  assert.equal(await renewLease(store, lease), false);
  const { rows } = await store.query(`select outcome from rekey.prove_${range.target}($1, 0, $2, 100000)`, [
    rotationId,
    owner,
  ]);
  assert.deepEqual(rows, [{ outcome: 'lost' }]);
  const byCounts = await store.query('select rekey.prove_by_counts($1, $2, 0, $3) as proved', [
    rotationId,
    range.target,
    owner,
  ]);
  assert.deepEqual(byCounts.rows, [{ proved: false }]);
  assert.equal(await failRotation(store, rotationId, 'KEK_DENIED'), null);
  assert.equal((await findRotation(store, rotationId))?.status, 'paused');
  assert.equal((await cancelRotation(store, rotationId)).kind, 'changed');
});

test('only the functions that the table names move a rotation, and nothing else does', async () => {
  const folder = new URL('../../packages/schema/functions/', import.meta.url);
  const movers: string[] = [];
  for await (const file of glob('*.sql', { cwd: folder.pathname })) {
    const sql = (await readFile(new URL(file, folder), 'utf8')).replace(/^\s*--.*$/gm, '');
    for (const [, set = ''] of sql.matchAll(/update rekey\.rotations\b[^;]*?\bset\b([^;]*?)\bwhere\b/g)) {
      if (/\b(status|phase|switched_at)\s*=/.test(set)) movers.push(file.replace('.sql', ''));
    }
  }
  const named = new Set(rotationMoves.map(({ by }) => by));
  assert.deepEqual(movers.sort(), [...named].sort());
  // Programs write no rotation themselves.
  for await (const file of glob('{apps,packages}/*/src/**/*.ts', {
    cwd: new URL('../..', import.meta.url).pathname,
  })) {
    const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.doesNotMatch(text, /update rekey\.rotations\b/, file);
  }
});
