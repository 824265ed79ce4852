import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store } = core;

/** Clients that take turns at the lock of one record, which is never free between them. */
async function inTurns(
  id: string,
  { clients, heldMs, lock }: { clients: number; heldMs: number; lock: string },
  work: () => Promise<void>,
): Promise<string[]> {
  const errors: string[] = [];
  let goesOn = true;
  const all = Array.from({ length: clients }, async (_, n) => {
    const client = new Client({ connectionString: core.database.url });
    await client.connect();
    for (let turn = 0; goesOn; turn += 1) {
      try {
        await client.query('begin');
        await client.query(`select from secrets where id = $1 ${lock}`, [id]);
        await sleep(heldMs);
        await client.query('update secrets set name = $2 where id = $1', [id, `${n} ${turn}`]);
        await client.query('commit');
      } catch (error) {
        errors.push(error instanceof Error && 'code' in error ? String(error.code) : 'none');
        await client.query('rollback');
      }
    }
    await client.end();
  });
  try {
    await sleep(200);
    await work();
  } finally {
    goesOn = false;
    await Promise.all(all);
  }
  return errors;
}

for (const [clients, heldMs, lock] of [
  [2, 120, 'for update'],
  [4, 80, 'for update'],
  [3, 100, 'for no key update'],
] as const) {
  test(`a record that ${clients} clients hold in turns (${lock}, ${heldMs} ms each) is won, and none of them is refused`, async () => {
    const { tenantId, ids } = await core.tenantWith(200);
    const errors = await inTurns(ids[0] ?? '', { clients, heldMs, lock }, async () => {
      const rotationId = await core.start(tenantId);
      const beganMs = performance.now();
      const view = await core.finish(rotationId);
      assert.equal(view.status, 'completed');
      assert.ok(performance.now() - beganMs < 60_000);
    });
    assert.deepEqual(errors, []);
  });
}

test('waitingFor says lock all the while records are locked, whatever other ranges do', async () => {
  const { tenantId, ids } = await core.tenantWith(300);
  const holder = await core.database.pool().connect();
  await holder.query('begin');
  await holder.query('select from secrets where id = any ($1) for update', [ids.slice(0, 20)]);
  const rotationId = await core.start(tenantId);
  const rotating = core.finish(rotationId);
  try {
    const seen = async (): Promise<unknown> =>
      (
        await store.query<{ waiting_for: string | null; waiting_detail: { what: string; since: string } }>(
          'select waiting_for, waiting_detail from rekey.rotations where id = $1',
          [rotationId],
        )
      ).rows[0];
    await until(
      async () => {
        const now = (await seen()) as { waiting_for: string | null; waiting_detail: { what: string } | null };
        // Before that it says how many it has met so far.
        return now.waiting_for === 'lock' && now.waiting_detail?.what.startsWith('20 records');
      },
      { what: 'it says that it waits for a lock, and for how many' },
    );
    const { beat } = await import('@rekey/control');
    const first = (await seen()) as { waiting_detail: { since: string } };
    for (let look = 0; look < 30; look += 1) {
      // What a range of another worker does after each of its batches.
      await beat(store, rotationId);
      const now = (await seen()) as { waiting_for: string; waiting_detail: { what: string; since: string } };
      assert.equal(now.waiting_for, 'lock');
      assert.match(now.waiting_detail.what, /^20 records of public.secrets are locked/);
      assert.equal(now.waiting_detail.since, first.waiting_detail.since);
      await sleep(30);
    }
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  const view = await rotating;
  assert.deepEqual([view.status, view.waitingFor, view.waitingDetail], ['completed', null, null]);
});

test('a new DEK that is declared compromised in the midst ends the rotation, and the tenant can rotate again', async () => {
  const { tenantId, ids } = await core.tenantWith(30);
  const holder = await core.database.pool().connect();
  await holder.query('begin');
  await holder.query('select from secrets where id = $1 for update', [ids[0]]);
  const rotationId = await core.start(tenantId);
  const rotating = core.finish(rotationId).catch((error: unknown) => error);
  await until(
    async () =>
      (await store.query('select from secrets where tenant_id = $1 and key_number = 2', [tenantId]))
        .rowCount === 29,
    {
      what: 'the others are rotated',
    },
  );
  await store.query(`update rekey.deks set state = 'compromised' where tenant_id = $1 and key_number = 2`, [
    tenantId,
  ]);
  await holder.query('rollback');
  holder.release();
  const ended = await rotating;
  assert.equal((ended as { reason?: string }).reason, 'NEW_KEY_UNUSABLE');
});
