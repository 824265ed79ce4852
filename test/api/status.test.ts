import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRotations, createStatus } from '@rekey/api';
import { openStore } from '@rekey/db';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';
import { bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();
const store = openStore({ ...patient, url: api.database.url, onError: () => {} });
test.after(() => store.end());

const started = async (tenantId: string): Promise<string> =>
  (await api.send(rotateCall(tenantId))).json.data.rotationId.slice(4);
const cancelled = async (): Promise<string> => {
  const id = await started(await emptyTenant(api.database));
  const { status } = await api.send({
    method: 'POST',
    path: `${rotationsPath}/rot-${id}/cancel`,
    headers: bearer(),
  });
  assert.equal(status, 200);
  return id;
};
/** What no guard lets happen: done by an owner who switches them off, as a restore of the database does. */
const bring = async (sql: string, values: unknown[]): Promise<void> => {
  const pool = api.database.pool({ max: 1 });
  await pool.query('set session_replication_role = replica');
  await pool.query(sql, values);
  await pool.end();
};

/** A status of our own over the real Postgres, with a clock that we turn; what it asks is counted. */
function clocked() {
  const clock = { ms: 0 };
  const asked = { finds: [] as string[][], marks: [] as string[][] };
  const rotations = connectRotations(store);
  const status = createStatus({
    find: (ids) => {
      asked.finds.push([...ids].sort());
      return rotations.findAll(ids);
    },
    marks: async (ids) => {
      const found = await rotations.marks(ids);
      asked.marks.push([...ids].sort());
      return found;
    },
    snapshots: { read: async () => null },
    now: () => clock.ms,
  });
  return { clock, asked, status };
}

test('who asks in the same turn of rotations that are not known is answered by one statement, each by its own', async () => {
  const ids = (await Promise.all(Array.from({ length: 3 }, cancelled))).sort();
  const [first = '', second = '', third = ''] = ids;
  const nobody = '00000000-0000-4000-8000-000000000000';
  const { asked, status } = clocked();
  const views = await Promise.all([first, second, nobody, third, second].map((id) => status.of(id)));
  assert.deepEqual(
    views.map((view) => view?.id ?? null),
    [first, second, null, third, second],
  );
  assert.deepEqual(asked.finds, [[nobody, ...ids].sort()]);
});

test('ends that are polled are looked at again together within their second, and nobody waits for it', async () => {
  const ids = (await Promise.all([cancelled(), cancelled()])).sort();
  const { clock, asked, status } = clocked();
  const before = await Promise.all(ids.map((id) => status.of(id)));
  for (let seconds = 1; seconds <= 3; seconds += 1) {
    clock.ms += 900;
    // Told at once, and the same object for as long as the row is the same.
    assert.deepEqual(
      ids.map((id) => status.of(id)),
      before,
    );
    for (const [i, id] of ids.entries()) assert.equal(status.of(id), before[i]);
    await until(() => asked.marks.length === seconds, { what: 'the marks are there' });
  }
  // Three times 0.9 seconds after the one statement that read them.
  assert.deepEqual([asked.finds, asked.marks], [[ids], [ids, ids, ids]]);
});

test('an end whose row is another one by then, or none, is told no longer than a second', async () => {
  const [erased, back, gone] = [await cancelled(), await cancelled(), await cancelled()];
  const { clock, status } = clocked();
  for (const id of [erased, back, gone]) assert.equal((await status.of(id))?.status, 'cancelled');
  await bring(`update rekey.rotations set initiated_by = rekey.without_name(initiated_by) where id = $1`, [
    erased,
  ]);
  await bring(
    `update rekey.rotations set status = 'in_progress', phase = 'queued', completed_at = null where id = $1`,
    [back],
  );
  await bring(`delete from rekey.rotations where id = $1`, [gone]);
  clock.ms += 800;
  // The first poll of that age is told what was; those behind it are not.
  assert.equal((await status.of(erased))?.initiatedBy.name, 'Ada Example');
  await Promise.all([status.of(back), status.of(gone)]);
  await until(async () => (await status.of(erased))?.initiatedBy.name === null, { what: 'no name' });
  await until(async () => (await status.of(back))?.status === 'in_progress', { what: 'it runs again' });
  await until(async () => (await status.of(gone)) === null, { what: 'there is none' });
});

test('polls are answered alike whether they are rendered anew or not, and names of applications to a super admin only', async () => {
  const tenantId = await emptyTenant(api.database);
  const id = await started(tenantId);
  const holders = [
    { pid: 7, gid: null, applicationName: 'billing', since: null, sinceIsExact: false },
  ] as const;
  await bring(
    `update rekey.rotations set waiting_for = 'lock', waiting_detail = $2, heartbeat_at = now(),
       estimated_completion = now() + interval '1 hour' where id = $1`,
    [id, JSON.stringify({ what: 'a lock', since: null, todo: 'wait', holders })],
  );
  const poll = async (claims: Record<string, unknown>) => {
    const { json, text, headers } = await api.send({
      path: `${rotationsPath}/rot-${id}`,
      headers: bearer(claims),
    });
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    // The very text that a plain rendering has.
    assert.equal(text, JSON.stringify(json));
    assert.deepEqual(Object.keys(json), ['success', 'message', 'data', 'timestamp']);
    return json.data;
  };
  for (const _ of [1, 2]) {
    const [all, own] = [await poll({}), await poll({ roles: ['security_admin'], tenantId })];
    assert.equal(all.waitingDetail.holders[0].applicationName, 'billing');
    assert.equal(own.waitingDetail.holders[0].applicationName, null);
    assert.deepEqual({ ...own, waitingDetail: null }, { ...all, waitingDetail: null });
  }
});
