import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  cancelRotation,
  failRotation,
  keepSummary,
  pauseRotation,
  resumeRotation,
  retryRotation,
  summarize,
} from '@rekey/control';
import { damage, flipBit, pastTheTriggers } from '../harness/damage.ts';
import { randomFrom } from '../harness/random.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { pool, store } = core;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };

const isKept = async (): Promise<boolean> =>
  (await pool.query('select settled_at is not null as kept from rekey.summary_state')).rows[0].kept;

/** What is told and what is counted, of the same moment; null: a worker folds. */
async function bothAtOnce(): Promise<readonly [told: unknown, counted: unknown] | null> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read');
    const ask = async (): Promise<unknown> =>
      (await client.query('select rekey.summarize(null) as summary')).rows[0].summary;
    const told = await ask();
    await client.query('update rekey.summary_state set settled_at = null');
    return [told, await ask()];
  } catch (error) {
    if ((error as { code?: string }).code === '40001') return null;
    throw error;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

const checkTold = async (): Promise<void> => {
  const [told, counted] = await until(bothAtOnce, { what: 'nobody folds' });
  assert.deepEqual(told, counted);
};

test('it is counted once nobody is left who may have changed something without saying so', async () => {
  const tenantId = await core.createTenant();
  const older = await pool.connect();
  try {
    // As a transaction in which the functions of the version before ran.
    await older.query(`begin; set local session_replication_role = 'replica'`);
    await older.query(
      `update rekey.deks set activated_at = now() - interval '40 days' where tenant_id = '${tenantId}'`,
    );
    await keepSummary(store);
    await keepSummary(store);
    assert.equal(await isKept(), false);
    assert.equal((await summarize(store, null)).ages[0]?.keys, 1, 'until then it is counted at each call');
    await older.query('commit');
  } finally {
    older.release(true);
  }
  await until(
    async () => {
      await keepSummary(store);
      return (await isKept()) || null;
    },
    // Transactions of all databases count, and tests beside this one have long ones.
    { what: 'it is kept', timeoutMs: 180_000 },
  );
  assert.deepEqual(
    (await summarize(store, null)).ages.filter(({ keys }) => keys > 0),
    [{ daysBelow: 90, keys: 1 }],
  );
  await checkTold();
});

test('after any history it says what a count says, whoever folds or dies meanwhile', async () => {
  const random = randomFrom(Number(process.env.SEED ?? 107));
  const draw = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const tenants = await Promise.all(Array.from({ length: 8 }, () => core.tenantWith(3)));
  let done = false;
  const folding = [0, 1].map(async () => {
    while (!done) await keepSummary(store);
  });
  /** What may become of a tenant's next rotation, or of one that it has. */
  const courses = ['completed', 'completed', 'failed', 'cancelled', 'left', 'paused', 'aborted'] as const;
  const unfinished = async (tenantId: string): Promise<string | undefined> =>
    (
      await pool.query(
        `select id from rekey.rotations where tenant_id = $1 and status in ('in_progress', 'paused')`,
        [tenantId],
      )
    ).rows[0]?.id;
  const begin = async (tenantId: string): Promise<string> => {
    const found = await unfinished(tenantId);
    if (found === undefined) return core.start(tenantId);
    await resumeRotation(store, found, steering);
    return found;
  };
  const make = {
    completed: async ({ tenantId }) => core.finish(await begin(tenantId)),
    failed: async ({ tenantId }) => failRotation(store, await begin(tenantId), 'KEK_DENIED'),
    cancelled: async ({ tenantId }) => cancelRotation(store, await begin(tenantId), steering),
    async left({ tenantId, ids: [id = ''] }) {
      await damage(pool, 'secrets', id, (ciphertext) => flipBit(ciphertext));
      const rotationId = await begin(tenantId);
      await core.finish(rotationId);
      if (random() < 0.3)
        await retryRotation(store, {
          rotationId: randomUUID(),
          earlierId: rotationId,
          tenantId,
          idempotency: null,
          ...steering,
        });
    },
    async paused({ tenantId }) {
      const rotationId = await begin(tenantId);
      await pauseRotation(store, rotationId, steering);
      const hours = draw([1, 25]);
      await pool.query(
        `update rekey.rotations set heartbeat_at = clock_timestamp() - make_interval(hours => $2) where id = $1`,
        [rotationId, hours],
      );
    },
    /** Its session dies with everything that it wrote. */
    async aborted({ tenantId }) {
      const rotationId = await begin(tenantId);
      const client = await pool.connect();
      client.on('error', () => {});
      await client
        .query(
          `begin; select rekey.close_rotation('${rotationId}', 'failed', 'KEK_DENIED', null, now(), null);
           set constraints all immediate; select pg_terminate_backend(pg_backend_pid())`,
        )
        .catch(() => {});
      client.release(true);
    },
  } satisfies Record<(typeof courses)[number], (of: (typeof tenants)[number]) => Promise<unknown>>;
  const lives = tenants.map(async (tenant) => {
    for (let n = 0; n < 6; n += 1) {
      await make[draw(courses)](tenant);
      await checkTold();
    }
  });
  try {
    await Promise.all(lives);
  } finally {
    done = true;
    await Promise.all(folding);
  }
  await checkTold();
  const { rotations, inNeed } = await summarize(store, null);
  assert.ok(
    rotations.completed > 5 && rotations.failed > 2 && rotations.cancelled > 2,
    JSON.stringify(rotations),
  );
  assert.ok(inNeed.failed + inNeed.completed_with_failures > 0, JSON.stringify(inNeed));
});

test('who ends a rotation waits for nobody who folds, nor for another who ends one', async () => {
  const [one, another] = [
    await core.start(await core.createTenant()),
    await core.start(await core.createTenant()),
  ];
  const folder = await pool.connect();
  const ender = await pool.connect();
  try {
    await folder.query('begin');
    await folder.query('select rekey.keep_summary()');
    await ender.query('begin');
    await ender.query(`select rekey.close_rotation($1, 'failed', 'KEK_DENIED', null, now(), null)`, [one]);
    await ender.query('set constraints all immediate');
    assert.equal((await pool.query('select rekey.keep_summary() as had')).rows[0].had, false);
    await failRotation(store, another, 'KEK_DENIED');
    await ender.query('commit');
    await folder.query('commit');
  } finally {
    folder.release();
    ender.release();
  }
  await checkTold();
});

test('what was changed past the triggers is found within a day', async () => {
  await keepSummary(store);
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update rekey.deks set activated_at = now() - interval '400 days' where state = 'active'`),
  );
  const old = async (): Promise<number> => (await summarize(store, null)).ages.at(-1)?.keys ?? 0;
  await keepSummary(store);
  assert.equal(await old(), 0);
  await pool.query(`update rekey.summary_state set counted_at = now() - interval '25 hours'`);
  await keepSummary(store);
  assert.ok((await old()) > 0);
  await checkTold();
});
