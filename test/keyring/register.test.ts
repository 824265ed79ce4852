import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  forgetProcesses,
  listProcesses,
  type ProcessView,
  reportUsage,
  type UsageReport,
} from '@rekey/control';
import { openStore, StoreError } from '@rekey/db';
import { createUsage, startReporting } from '@rekey/keyring';
import { asKeks, createKeks, KmsError } from '@rekey/kms';
import { processSilentMs } from '@rekey/times';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { pool, kek } = core;
const [vaults, workers] = (['application', 'worker'] as const).map((role) => {
  const store = openStore({ ...patient, url: asRole(core.database.url, role), onError: () => {} });
  thisFile.after(() => store.end());
  return store;
}) as [ReturnType<typeof openStore>, ReturnType<typeof openStore>];

const all = async (): Promise<ProcessView[]> =>
  (await listProcesses(core.store, {}, { after: null, limit: 1_000 })).processes;
const byId = async (id: string): Promise<ProcessView | undefined> =>
  (await all()).find((one) => one.id === id);
const reportOf = (given: Partial<UsageReport> = {}): UsageReport => ({
  processId: randomUUID(),
  kind: 'vault',
  host: 'a-host',
  version: '1',
  ends: false,
  toldAll: true,
  opened: [],
  proved: [],
  latencies: {},
  ...given,
});

test('a vault is in the register from its first use on, with what it has opened and how long that took', async () => {
  const { tenantId, ids } = await core.tenantWith(2);
  const { id: dekId } = await core.activeKey(tenantId);
  const before = new Set((await all()).map(({ id }) => id));
  const vault = core.anotherVault({ store: vaults, report: true });
  await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' });
  const fresh = await until(
    async () => (await all()).find(({ id, kind }) => kind === 'vault' && !before.has(id)),
    { what: 'the vault is in the register' },
  );
  assert.equal(fresh.state, 'live');
  assert.match(fresh.databaseRole, /_application$/);
  const mine = (await listProcesses(core.store, { tenantId }, { after: null, limit: 10 })).processes;
  assert.ok(mine.some(({ id, deks }) => id === fresh.id && deks === 1));

  await vault.get({ target: 'secrets', tenantId, id: ids[1] ?? '' });
  await vault.close();
  const ended = await byId(fresh.id);
  assert.equal(ended?.state, 'ended');
  assert.ok((ended?.latencies.open?.count ?? 0) >= 1, JSON.stringify(ended?.latencies));
  const { rows } = await pool.query(
    `select last_opened_at > opened_since as went_on, last_opened_at <= clock_timestamp() as is_past
     from rekey.process_deks where process_id = $1 and dek_id = $2`,
    [fresh.id, dekId],
  );
  assert.deepEqual(rows, [{ went_on: true, is_past: true }]);
});

test('a process that reports tells the KEKs that it has proved, and one that fails is not among them', async () => {
  const failing = {
    ...kek,
    id: 'local:ffffffffffffffff',
    wrap: () => Promise.reject(new KmsError('UNAVAILABLE', 'away')),
  };
  const usage = createUsage();
  const reports = startReporting({
    kind: 'worker',
    store: workers,
    keks: createKeks(kek, failing),
    usage,
    onError: (error) => assert.fail(error),
    everyMs: { least: 10, most: 20 },
  });
  const before = new Set((await all()).map(({ id }) => id));
  const proved = await until(
    async () =>
      (await all()).find(({ id, keks }) => !before.has(id) && keks.some(({ kekId }) => kekId === kek.id)),
    { what: 'the KEK is proved' },
  );
  assert.equal(proved.kind, 'worker');
  assert.deepEqual(
    proved.keks.map(({ kekId }) => kekId),
    [kek.id],
  );
  await reports.close();
  assert.equal((await byId(proved.id))?.state, 'ended');
});

test('a KEK that failed is tried again soon, ever more seldom while it fails; and any number of KEKs is told', async () => {
  const calls: number[] = [];
  let isAway = true;
  const failing = {
    ...kek,
    id: 'local:eeeeeeeeeeeeeeee',
    wrap: async (...given: Parameters<typeof kek.wrap>) => {
      calls.push(performance.now());
      if (isAway) throw new KmsError('UNAVAILABLE', 'away');
      return kek.wrap(...given);
    },
  };
  const many = Array.from({ length: 150 }, (_, i) => ({
    ...kek,
    id: `local:${String(i).padStart(16, '0')}`,
  }));
  const before = new Set((await all()).map(({ id }) => id));
  const reports = startReporting({
    kind: 'worker',
    store: workers,
    keks: createKeks(failing, ...many),
    usage: createUsage(),
    onError: (error) => assert.fail(error),
    everyMs: { least: 20, most: 20 },
  });
  const told = () =>
    until(async () => (await all()).find(({ id, keks }) => !before.has(id) && keks.length >= many.length), {
      what: 'all that work are told',
    });
  assert.ok(!(await told()).keks.some(({ kekId }) => kekId === failing.id));
  await until(() => calls.length > 3, { what: 'it is tried again' });
  // 20, 40 and 80 ms at the least, whatever the machine adds.
  assert.ok(Number(calls[3]) - Number(calls[0]) >= 140, `${calls.map(Math.round)}`);
  isAway = false;
  await until(async () => (await told()).keks.some(({ kekId }) => kekId === failing.id), {
    what: 'it is proved once it is back',
  });
  const asked = calls.length;
  await reports.now();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(calls.length, asked, 'and then not before its next turn');
  await reports.close();
});

test('many DEKs are told by several reports, and told once', async () => {
  const usage = createUsage();
  const deks = Array.from({ length: 2_500 }, () => randomUUID());
  for (const dekId of deks) usage.note(dekId);
  assert.equal(usage.untold(1_000).length, 1_000);
  usage.told(usage.untold(1_000));
  const rest = usage.untold(5_000);
  assert.equal(rest.length, 1_500);
  usage.note(rest[0]?.dekId ?? '');
  usage.told(rest);
  // Used again since they were taken.
  assert.deepEqual(
    usage.untold(10).map(({ dekId }) => dekId),
    [rest[0]?.dekId],
  );
  for (let n = 0; n < 20_001; n += 1) usage.note(`dek ${n}`);
  assert.ok(usage.isForgetful());
});

test('a report that fails disturbs nobody, is said once, and what it had is told by the next', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const errors: Error[] = [];
  const usage = createUsage();
  let isBroken = true;
  const reports = startReporting({
    kind: 'vault',
    store: {
      query: ((...given: [never]) =>
        isBroken ? Promise.reject(new Error('no database')) : vaults.query(...given)) as never,
    },
    keks: asKeks(kek),
    usage,
    onError: (error) => errors.push(error),
  });
  const { id: dekId } = await core.activeKey(tenantId);
  usage.note(dekId);
  await reports.now();
  await reports.now();
  assert.equal(errors.length, 1);
  isBroken = false;
  await reports.now();
  const found = await listProcesses(core.store, { tenantId }, { after: null, limit: 10 });
  assert.ok(found.processes.some(({ latencies, deks }) => deks === 1 && latencies.open === undefined));
  await reports.close();
  assert.ok(await core.vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }));
});

test('nobody speaks for a process of another role, nor fills the register, nor makes it older', async () => {
  const { id: dekId } = await core.activeKey((await core.tenantWith(1)).tenantId);
  const report = reportOf({ opened: [{ dekId, sinceMs: 5_000, lastMs: 1_000 }] });
  await reportUsage(vaults, report);
  const isRefused = (error: unknown) => error instanceof StoreError && error.code === 'REFUSED';
  await assert.rejects(reportUsage(workers, { ...report, ends: true }), isRefused);
  await assert.rejects(reportUsage(vaults, { ...report, kind: 'worker' }), isRefused);
  const many = Array.from({ length: 1_001 }, () => ({ dekId: randomUUID(), sinceMs: 1, lastMs: 1 }));
  await assert.rejects(reportUsage(vaults, reportOf({ opened: many })), isRefused);

  const lastOf = async (): Promise<unknown> =>
    (
      await pool.query('select last_opened_at from rekey.process_deks where process_id = $1', [
        report.processId,
      ])
    ).rows;
  const last = await lastOf();
  await reportUsage(vaults, { ...report, opened: [{ dekId, sinceMs: 9e15, lastMs: 9e15 }] });
  assert.deepEqual(await lastOf(), last);
  // What never was a DEK is passed over.
  await reportUsage(vaults, { ...report, opened: [{ dekId: randomUUID(), sinceMs: 1, lastMs: 1 }] });
  assert.deepEqual(await lastOf(), last);
});

test('a process is silent after as long as both sides say, and forgotten later, but not when a DEK was opened', async () => {
  const { id: dekId } = await core.activeKey((await core.tenantWith(1)).tenantId);
  const report = reportOf({ opened: [{ dekId, sinceMs: 10, lastMs: 10 }] });
  await reportUsage(vaults, report);
  const age = (seconds: number) =>
    pool.query(
      'update rekey.processes set heartbeat_at = clock_timestamp() - $2 * interval $$1 s$$ where id = $1',
      [report.processId, seconds],
    );
  await age(processSilentMs / 1_000 - 60);
  assert.equal((await byId(report.processId))?.state, 'live');
  await age(processSilentMs / 1_000 + 1);
  assert.equal((await byId(report.processId))?.state, 'silent');
  await forgetProcesses(workers);
  assert.ok(await byId(report.processId), 'it is still judged by');
  await age(61 * 86_400);
  await forgetProcesses(workers);
  assert.equal(await byId(report.processId), undefined);
  const { rows } = await pool.query('select dek_id from rekey.dek_openings where dek_id = $1', [dekId]);
  assert.deepEqual(rows, [{ dek_id: dekId }]);
});

test('processes say the version that their package has', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const text = await readFile(new URL('../../packages/keyring/src/version.ts', import.meta.url), 'utf8');
  assert.ok(text.includes(`'${version}'`));
});
