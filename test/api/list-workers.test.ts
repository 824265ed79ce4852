import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { conforms, ProcessesResponse } from '@rekey/contract';
import { reportUsage } from '@rekey/control';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const path = '/api/v1/admin/workers';
const mine = await seededTenant(api.database);
const other = await seededTenant(api.database);

const reported = async (
  kind: 'worker' | 'vault',
  dekIds: readonly string[],
  ends = false,
): Promise<string> => {
  const processId = randomUUID();
  await reportUsage(pool, {
    processId,
    kind,
    host: 'a-host',
    version: '1',
    ends,
    toldAll: true,
    opened: dekIds.map((dekId) => ({ dekId, sinceMs: 2, lastMs: 1 })),
    proved: [{ kekId: 'local:0011223344556677', ms: 5 }],
    latencies: { open: { count: 2, p50: 0.1, p99: 1.5 } },
  });
  return processId;
};
const worker = await reported('worker', [mine.dekId, other.dekId]);
const vault = await reported('vault', [mine.dekId]);
const gone = await reported('vault', [other.dekId], true);

const list = (query = '', claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: `${path}${query}`, headers: bearer(claims) });
const idsOf = (answer: Answer): string[] => {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(conforms(ProcessesResponse, answer.json), answer.text);
  return answer.json.data.processes.map(({ processId }: { processId: string }) => processId);
};

test('workers and vaults are listed with their KEKs and keys, and found by each filter, page by page', async () => {
  const sorted = [worker, vault, gone].sort();
  assert.deepEqual(idsOf(await list()), sorted);
  assert.deepEqual(idsOf(await list('?kind=worker')), [worker]);
  assert.deepEqual(idsOf(await list('?state=ended')), [gone]);
  assert.deepEqual(idsOf(await list(`?tenantId=${mine.tenantId}`)), [worker, vault].sort());
  const [one] = (await list('?kind=worker')).json.data.processes;
  assert.equal(one.keys, 2);
  assert.deepEqual(
    one.keks.map(({ kekId }: { kekId: string }) => kekId),
    ['local:0011223344556677'],
  );
  assert.deepEqual(one.latencies, { open: { count: 2, p50: 0.1, p99: 1.5 } });

  const first = await list('?limit=2');
  assert.deepEqual(idsOf(first), sorted.slice(0, 2));
  const next = await list(`?limit=2&cursor=${first.json.data.nextCursor}`);
  assert.deepEqual(idsOf(next), sorted.slice(2));
  assert.equal(next.json.data.nextCursor, null);
});

test('who is bound to a tenant sees the processes that used its keys, and no count of others', async () => {
  const bound = { roles: ['security_auditor'], tenantId: mine.tenantId };
  const answer = await list('', bound);
  assert.deepEqual(idsOf(answer), [worker, vault].sort());
  for (const { keys } of answer.json.data.processes) assert.equal(keys, 1);
  checkError(await list(`?tenantId=${other.tenantId}`, bound), 'INSUFFICIENT_PERMISSIONS');
  checkError(
    await list('', { roles: ['security_operator'], tenantId: mine.tenantId }),
    'INSUFFICIENT_PERMISSIONS',
  );
  checkError(await list('?kind=api'), 'INVALID_REQUEST');
  checkError(await list('?cursor=x'), 'INVALID_REQUEST');
});
