import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conforms, RangesResponse, TimelineResponse } from '@rekey/contract';
import { thisFile } from '../harness/cleanup.ts';
import { rotationCore } from '../harness/rotation.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const core = await rotationCore(thisFile, api.database);
const pool = api.database.pool();

const read = (rotationId: string, what: string, headers = bearer()): Promise<Answer> =>
  api.send({ path: `${rotationsPath}/${rotationId}/${what}`, headers });
const steer = async (rotationId: string, verb: string, reason?: string): Promise<void> => {
  const body = reason === undefined ? {} : { body: { reason } };
  const path = `${rotationsPath}/${rotationId}/${verb}`;
  assert.equal((await api.send({ method: 'POST', path, headers: bearer(), ...body })).status, 200);
};
const startedFor = async (tenantId: string): Promise<string> =>
  (await api.send(rotateCall(tenantId))).json.data.rotationId;

interface Span {
  readonly phase: string;
  readonly begin: string;
  readonly end: string | null;
  readonly durationMs: number;
}

test('a timeline tells who did what and why, and how long each phase took', async () => {
  const { tenantId } = await core.tenantWith(40);
  const rotationId = await startedFor(tenantId);
  const queued = (await read(rotationId, 'timeline')).json.data;
  assert.deepEqual(
    queued.phases.map(({ phase, end }: Span) => [phase, end]),
    [['queued', null]],
  );
  await steer(rotationId, 'pause', 'the shop is busy');
  await steer(rotationId, 'resume');
  const ended = await core.finish(rotationId.slice(4));

  const answer = await read(rotationId, 'timeline');
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(TimelineResponse, answer.json), answer.text);
  const { phases, events } = answer.json.data;
  const names = phases.map(({ phase }: Span) => phase);
  // One that is small is proved with its last range, and may have nothing left to verify.
  assert.deepEqual(
    names.filter((phase: string) => phase !== 'verifying'),
    ['queued', 'activating', 'sweeping'],
  );
  assert.equal(phases[0]?.begin, ended.startedAt.toISOString());
  assert.equal(phases.at(-1)?.end, ended.completedAt?.toISOString());
  for (const [n, { begin, end, durationMs }] of (phases as Span[]).entries()) {
    assert.equal(durationMs, Date.parse(end ?? '') - Date.parse(begin));
    if (n > 0) assert.equal(begin, phases[n - 1]?.end);
  }

  const kinds = events.map(({ kind }: { kind: string }) => kind);
  const inOrder = ['rotation.requested', 'rotation.paused', 'rotation.resumed', 'rotation.switched'];
  assert.deepEqual(
    kinds.filter((kind: string) => inOrder.includes(kind)),
    inOrder,
  );
  assert.equal(kinds.at(-1), 'rotation.completed');
  const paused = events.find(({ kind }: { kind: string }) => kind === 'rotation.paused');
  assert.deepEqual(paused?.actor, { kind: 'user', realm: 'default', id: 'ada' });
  assert.equal(paused?.reason, 'the shop is busy');
  const { rows } = await pool.query(
    'select sequence::int from rekey.events where rotation_id = $1 order by sequence',
    [rotationId.slice(4)],
  );
  assert.deepEqual(
    events.map(({ sequence }: { sequence: number }) => sequence),
    rows.map(({ sequence }) => sequence),
  );
});

test('of a rotation that an earlier version led on, a timeline tells what is known', async () => {
  const { tenantId } = await core.tenantWith(3);
  const rotationId = await startedFor(tenantId);
  const ended = await core.finish(rotationId.slice(4));
  await pool.query(`set session_replication_role = replica; update rekey.rotations set phase_times = null
    where id = '${ended.id}'; set session_replication_role = origin`);
  const { phases } = (await read(rotationId, 'timeline')).json.data;
  assert.deepEqual(
    phases.map(({ phase, end }: Span) => [phase, end]),
    [['queued', ended.completedAt?.toISOString()]],
  );
});

interface Cell {
  readonly target: string;
  readonly ranges: Record<string, number>;
  readonly items: number;
  readonly itemsProved: number;
}
const cellsOf = (answer: Answer): Cell[] => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(RangesResponse, answer.json), answer.text);
  return answer.json.data.cells;
};

test('ranges are proved when a rotation is over, and there are none before it is planned', async () => {
  const { tenantId } = await core.tenantWith(40);
  const rotationId = await startedFor(tenantId);
  assert.deepEqual(cellsOf(await read(rotationId, 'ranges')), []);
  await core.finish(rotationId.slice(4));
  const cells = cellsOf(await read(rotationId, 'ranges'));
  assert.deepEqual([...new Set(cells.map(({ target }) => target))], ['api_keys', 'credentials', 'secrets']);
  assert.equal(
    cells.reduce((sum, { itemsProved }) => sum + itemsProved, 0),
    40,
  );
  for (const { ranges } of cells)
    assert.deepEqual(ranges, { ...ranges, planned: 0, sweeping: 0, left: 0, swept: 0 });
});

test('however many ranges there are, they fold into the cells that were asked for, none lost and none twice', async () => {
  const rotationId = await startedFor(await emptyTenant(api.database));
  // In five states by turns, of very different sizes.
  await pool.query(`set session_replication_role = replica;
    insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned, rotated, cursor_id, owner, swept, proved_at)
      select '${rotationId.slice(4)}', case when n <= 1000 then 'secrets' else 'api_keys' end, n, (n * 37) % 1000, n % 3,
        case when n % 5 in (1, 2) then 'x' end, case when n % 5 = 1 then gen_random_uuid() end, n % 5 = 3,
        case when n % 5 = 4 then now() end
      from generate_series(1, 1003) n;
    set session_replication_role = origin`);
  const whole = { planned: 200, sweeping: 201, left: 201, swept: 201, proved: 200 };
  for (const asked of [1, 2, 3, 7, 100, 500]) {
    const cells = cellsOf(await read(rotationId, `ranges?cells=${asked}`));
    assert.ok(cells.length <= Math.max(asked, 2), `${cells.length} cells for ${asked}`);
    for (const state of Object.keys(whole) as (keyof typeof whole)[]) {
      const counted = cells.reduce((sum, { ranges }) => sum + (ranges[state] ?? 0), 0);
      assert.equal(counted, whole[state], `${state} in ${asked}`);
    }
    const weights = cells.filter(({ target }) => target === 'secrets').map(({ items }) => items);
    const share = weights.reduce((sum, items) => sum + items, 0) / weights.length;
    // A range is not cut: a cell holds its share and one range more or less.
    for (const items of weights.slice(0, -1))
      assert.ok(Math.abs(items - share) <= 2_000, `${items} of ${share}`);
  }
  for (const cells of ['0', '501', 'x'])
    checkError(await read(rotationId, `ranges?cells=${cells}`), 'INVALID_REQUEST', cells);
});

test('another tenant’s caller learns nothing, by any of them', async () => {
  const rotationId = await startedFor(await emptyTenant(api.database));
  const other = bearer({ roles: ['security_admin'], tenantId: await emptyTenant(api.database) });
  for (const what of ['timeline', 'ranges', 'samples']) {
    checkError(await read(rotationId, what, other), 'ROTATION_NOT_FOUND', what);
    checkError(await read('rot-x', what), 'ROTATION_NOT_FOUND', what);
  }
});
