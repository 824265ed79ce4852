import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';

const pool = (await createTestDatabase()).pool();
const unfinished = 10_000;
const itemsEach = 40;

/** What one call answers, and how many pages it looked at, on one session. */
async function expected(client: { query: typeof pool.query }, items = 0) {
  const { rows } = await client.query(
    `explain (analyze, buffers, format json) select rekey.seconds_expected($1)`,
    [items],
  );
  const plan = rows[0]['QUERY PLAN'][0].Plan;
  const seconds = (await client.query('select rekey.seconds_expected($1) as seconds', [items])).rows[0]
    .seconds;
  return { pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], seconds };
}

test('with ten thousand that are unfinished, who calls again within a second reads nothing of them, and is told the same', async () => {
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `with made as (
         insert into rekey.tenants (id, name) select gen_random_uuid(), 'one of many' from generate_series(1, $1) returning id)
       insert into rekey.rotations (id, tenant_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion)
       select gen_random_uuid(), id, gen_random_uuid(), jsonb_build_object('secrets', $2::int), '{"id": "ada"}', now()
       from made`,
      [unfinished, itemsEach],
    ),
  );
  await pool.query('analyze rekey.rotations');
  const client = await pool.connect();
  try {
    // As its callers have it.
    await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
    await client.query(`set rekey.queue_seen = ''`);
    const first = await expected(client);
    assert.equal(first.seconds, 1 + (unfinished * itemsEach) / 2_000);
    assert.ok(first.pages > 100, `${first.pages} pages`);
    const again = await expected(client, 4_000);
    assert.equal(again.seconds, first.seconds + 2);
    assert.ok(again.pages < 10, `${again.pages} pages`);
    // Kept for a second, by the database's clock; not for what comes from a clock that is ahead.
    for (const kept of [-1_001, 60_000]) {
      await client.query(
        `select set_config('rekey.queue_seen', format('%s 1 1', (extract(epoch from clock_timestamp()) * 1000)::bigint + $1::int), false)`,
        [kept],
      );
      assert.equal((await expected(client)).seconds, first.seconds, `${kept} ms`);
    }
  } finally {
    client.release(true);
  }
});

test('whatever else stands where it is kept counts for nothing', async () => {
  const client = await pool.connect();
  try {
    const right = (await expected(client)).seconds;
    for (const kept of ['', 'x', '1 2', '99999999999999999999 1 1', '1 1 1; select 1', '-1 -1 -1']) {
      await client.query(`select set_config('rekey.queue_seen', $1, false)`, [kept]);
      assert.equal((await expected(client)).seconds, right, kept);
    }
  } finally {
    client.release(true);
  }
});
