import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSchema, migrate } from '@rekey/schema';
import type { Pool, PoolClient } from 'pg';
import { sealedLike } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { makeDek, olderDatabase } from './older-database.ts';

/** As a vault of either version writes: it holds the active DEK, then writes under it. */
async function write(client: PoolClient, tenantId: string): Promise<void> {
  const { rows } = await client.query('select key_number from rekey.hold_active_dek($1)', [tenantId]);
  const keyNumber: number = rows[0]?.key_number;
  await client.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), $1, 'n', $2, $3)`,
    [tenantId, keyNumber, sealedLike(keyNumber)],
  );
}

const switchTo = (pool: Pool, tenantId: string, next: string): Promise<unknown> =>
  pool
    .query(
      `with o as (update rekey.deks set state = 'deactivated', deactivated_at = now()
       where tenant_id = $1 and state = 'active' returning 1)
     select count(*) from o`,
      [tenantId],
    )
    .then(() =>
      pool.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [next]),
    );

test('an upgrade under load, beside a transaction that stays open, keeps no writer waiting', (t) =>
  upToThreeTimes(t, async () => {
    const { url, pool, tenantId } = await olderDatabase(t);
    const open = await pool.connect();
    await open.query('begin');
    await write(open, tenantId);

    let writing = true;
    const waitsMs: number[] = [];
    const writers = Array.from({ length: 8 }, async () => {
      const client = await pool.connect();
      try {
        // More than the migrator lets anybody wait, less than anything else that could be in the way for good.
        await client.query(`set lock_timeout = '400ms'`);
        while (writing) {
          const before = performance.now();
          await client.query('begin');
          await write(client, tenantId);
          await client.query('commit');
          waitsMs.push(performance.now() - before);
        }
      } finally {
        client.release();
      }
    });
    try {
      await migrate(url);
      await checkSchema(pool);
      // The open one goes on under the version that it began with, and the others under the new one.
      await write(open, tenantId);
      const at = waitsMs.length;
      while (waitsMs.length < at + 50) await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      writing = false;
      await Promise.all(writers);
    }
    t.diagnostic(`${waitsMs.length} writes, the longest ${Math.round(Math.max(...waitsMs))} ms`);

    // A switch waits for who locked the DEK's own row, as the older version did; new writers do not wait for the switch.
    const next = await makeDek(pool, tenantId, 2);
    const switcher = await pool.connect();
    await switcher.query(`set lock_timeout = '200ms'`);
    const early = switcher.query(
      `update rekey.deks set state = 'deactivated', deactivated_at = now() where tenant_id = $1 and state = 'active'`,
      [tenantId],
    );
    const meanwhile = await pool.connect();
    await meanwhile.query(`set lock_timeout = '100ms'`);
    await write(meanwhile, tenantId);
    assert.equal(await sqlState(early), '55P03');
    switcher.release();
    meanwhile.release();
    await open.query('commit');
    open.release();
    await switchTo(pool, tenantId, next);
    const { rows } = await pool.query(
      `select key_number, bool_and(closed_at is not null) as closed from rekey.dek_locks where tenant_id = $1
     group by 1 order by 1`,
      [tenantId],
    );
    assert.deepEqual(
      rows.map(({ key_number }) => key_number),
      [1, 2],
    );
    const { rows: drained } = await pool.query('select rekey.drain_older($1) as drained', [tenantId]);
    assert.deepEqual(drained, [{ drained: true }]);
  }));

test('an upgrade waits for a switch that is under way, and leaves no DEK without its lock', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const next = await makeDek(pool, tenantId, 2);
  const switcher = await pool.connect();
  await switcher.query('begin');
  await switcher.query(
    `update rekey.deks set state = 'deactivated' where tenant_id = $1 and state = 'active'`,
    [tenantId],
  );
  let waits = 0;
  const migrating = migrate(url, { onWait: () => (waits += 1) });
  while (waits === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await switcher.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [next]);
  await switcher.query('commit');
  switcher.release();
  await migrating;
  const { rows } = await pool.query(
    `select l.key_number, l.closed_at is null as open, count(*)::int as slots from rekey.dek_locks l
     where tenant_id = $1 group by 1, 2 order by 1`,
    [tenantId],
  );
  assert.deepEqual(rows, [
    { key_number: 1, open: false, slots: 1 },
    { key_number: 2, open: true, slots: 8 },
  ]);
});

test('an upgrade whose lock is not to be had in the time given changes nothing', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const switcher = await pool.connect();
  await switcher.query('begin');
  await switcher.query(`update rekey.deks set state = 'deactivated' where tenant_id = $1`, [tenantId]);
  await assert.rejects(migrate(url, { lockedForMs: 0 }), { code: 'LOCKED' });
  await switcher.query('rollback');
  switcher.release();
  const { rows } = await pool.query(`select to_regclass('rekey.dek_locks') as half`);
  assert.deepEqual(rows, [{ half: null }]);
});
