/** Who is waited for before anything comes under another KEK, and that this says nothing of what somebody used. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { planFacts, reportUsage } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createUsage, startReporting } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { processBeatMs } from '@rekey/times';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { pool, kek, store } = core;
const wanted = 'local:ffffffffffffffff';

async function aProcess(kekIds: readonly string[] = []): Promise<string> {
  const processId = randomUUID();
  await reportUsage(store, {
    processId,
    kind: 'worker',
    host: 'a-host',
    version: '1',
    ends: false,
    toldAll: true,
    opened: [],
    proved: kekIds.map((kekId) => ({ kekId, ms: 0 })),
    latencies: {},
  });
  return processId;
}
const age = (id: string, ms: number): Promise<unknown> =>
  pool.query(
    `update rekey.processes set beat_at = beat_at - $2 * interval '1 ms', heartbeat_at = heartbeat_at - $2 * interval '1 ms'
     where id = $1`,
    [id, ms],
  );
const lacks = async (id: string): Promise<boolean> =>
  (await pool.query('select from rekey.lacking_kek($1) l where l.process_id = $2', [wanted, id])).rowCount ===
  1;
const holds = async (id: string): Promise<boolean> =>
  (
    await pool.query('select from rekey.kek_holders() h where h.kek_id = $1 and h.process_id = $2', [
      wanted,
      id,
    ])
  ).rowCount === 1;
const stateOf = async (id: string): Promise<string> =>
  (
    await pool.query(
      'select rekey.process_state(heartbeat_at, ended_at) as state from rekey.processes where id = $1',
      [id],
    )
  ).rows[0].state;

test('a process killed before it proved a KEK is waited for while it may be there, and no longer', async () => {
  const id = await aProcess();
  assert.equal(await lacks(id), true);
  await age(id, processBeatMs.gone - 5_000);
  assert.equal(await lacks(id), true, 'a beat or three may be late');
  await age(id, 5_000);
  assert.equal(await lacks(id), false);
  assert.equal(await stateOf(id), 'live', 'what it used is as unknown as before');
  await pool.query('select rekey.beat_process($1)', [id]);
  assert.equal(await lacks(id), true, 'it is back');
});

test('nor does one that is gone count among those that have a KEK', async () => {
  const id = await aProcess([wanted]);
  assert.deepEqual([await holds(id), await lacks(id)], [true, false]);
  await age(id, processBeatMs.gone);
  assert.deepEqual([await holds(id), await lacks(id)], [false, false]);
});

test('nor is one that is gone among the workers that a plan is estimated with', async () => {
  const workers = async (): Promise<number> => (await planFacts(store, randomUUID())).workers;
  const before = await workers();
  const id = await aProcess();
  assert.equal(await workers(), before + 1);
  await age(id, processBeatMs.gone);
  assert.equal(await workers(), before);
  await pool.query('select rekey.beat_process($1)', [id]);
  assert.equal(await workers(), before + 1);
});

test('one of a version before, which does not say so between its reports, is waited for until it is silent', async () => {
  const id = await aProcess();
  await pool.query('update rekey.processes set beat_at = null where id = $1', [id]);
  await age(id, 170_000);
  assert.equal(await lacks(id), true);
  await age(id, 10_000);
  assert.deepEqual([await lacks(id), await stateOf(id)], [false, 'silent']);
});

test('a process says that it is there between its reports, and only its role may', async () => {
  const worker = openStore({ ...patient, url: asRole(core.database.url, 'worker'), onError: () => {} });
  thisFile.after(() => worker.end());
  const usage = createUsage();
  const before = await aProcess();
  const reports = startReporting({
    kind: 'worker',
    store: worker,
    keks: asKeks(kek),
    usage,
    onError: (error) => assert.fail(error),
    everyMs: { least: 600_000, most: 600_000 },
    beatEveryMs: 20,
  });
  usage.note((await core.activeKey(await core.createTenant())).id);
  const found = await until(
    async () =>
      (
        await pool.query<{ id: string }>(
          'select id from rekey.processes where id <> $1 and beat_at > heartbeat_at',
          [before],
        )
      ).rows[0],
    { what: 'it goes on saying so' },
  );
  const vault = openStore({ ...patient, url: asRole(core.database.url, 'application'), onError: () => {} });
  thisFile.after(() => vault.end());
  const { rows } = await vault.query('select rekey.beat_process($1) as beats', [found.id]);
  assert.deepEqual(rows, [{ beats: false }]);
  await reports.close();
  assert.equal(await sqlState(pool.query('select rekey.beat_process(null)')), undefined);
});
