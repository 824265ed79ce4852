import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { policyRound } from '@rekey/control';
import { openStore } from '@rekey/db';
import { rotate } from '@rekey/rotation';
import { pastTheTriggers } from '../harness/damage.ts';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

/** `DUE_TENANTS=5000 npm test -- test/control/due-at-once.test.ts` for a fleet. */
const count = Number(process.env.DUE_TENANTS ?? 80);
const atOnce = 8;
const core = await rotationCore();
const { pool } = core;

/** Most are tiny, some have twenty times as much, few two hundred times. */
const sizeOf = (n: number): number => (n % 40 === 39 ? 400 : n % 10 === 9 ? 40 : 2);
const tenants: string[] = [];
for (let n = 0; n < count; n += 25)
  tenants.push(
    ...(await Promise.all(
      Array.from(
        { length: Math.min(25, count - n) },
        async (_, m) => (await core.tenantWith(sizeOf(n + m))).tenantId,
      ),
    )),
  );
await pool.query(`insert into rekey.policies (tenant_id, version, policy) values (null, 1, $1)`, [
  JSON.stringify({ rotateEveryDays: 30, rotationsAtOnce: atOnce }),
]);
await pastTheTriggers(pool, (tx) =>
  tx.query(
    `update rekey.deks set activated_at = clock_timestamp() - interval '31 days' where state = 'active'`,
  ),
);
const begun = async (): Promise<number> =>
  Number(
    (await pool.query('select count(*) as n from rekey.rotations where policy_version is not null')).rows[0]
      .n,
  );
const running = async (): Promise<number> =>
  Number(
    (
      await pool.query(
        `select count(*) as n from rekey.rotations where policy_version is not null and status = 'in_progress'`,
      )
    ).rows[0].n,
  );

/** Everything that a round writes: its leader is killed at each. */
const tables = ['policy_rounds', 'policy_standings', 'rotations', 'deks', 'policy_notes', 'events'];
let killed = 0;

test('a leader killed at any write of its round has begun nobody', async () => {
  await pool.query(`create function public.die() returns trigger language plpgsql as $$ begin
    if current_setting('test.dies_at', true) = tg_table_name || ' ' || tg_when then
      perform pg_terminate_backend(pg_backend_pid());
      perform pg_sleep(10);
    end if;
    return case when tg_op = 'DELETE' then old else new end; end $$`);
  for (const table of tables)
    for (const when of ['before', 'after'])
      await pool.query(`create trigger zz_die_${when} ${when} insert or update on rekey.${table}
        for each row execute function public.die()`);
  for (const table of tables)
    for (const when of ['BEFORE', 'AFTER']) {
      // The one before has told its end, and may hold its locks for a moment yet.
      await until(
        async () =>
          (await pool.query('select from rekey.policy_rounds for update skip locked')).rowCount === 1 || null,
        { what: 'the round is free' },
      );
      const client = await pool.connect();
      client.on('error', () => {});
      await client.query(`set test.dies_at = '${table} ${when}'`);
      const died = await client
        .query(
          `begin; select rekey.take_policy_round(0); select * from rekey.begin_due('[]', 10000, '{}');
           select * from rekey.note_standing(100); commit`,
        )
        .then(
          () => false,
          () => true,
        );
      client.release(true);
      assert.ok(died, `${table} ${when}`);
      killed += 1;
      assert.equal(await begun(), 0, `${table} ${when}`);
    }
  assert.equal(killed, 12);
  for (const table of tables)
    for (const when of ['before', 'after']) await pool.query(`drop trigger zz_die_${when} on rekey.${table}`);
});

test('many of very different sizes that are due at once are rotated once each, never more at once than allowed', async (t) => {
  const stop = new AbortController();
  let [most, rounds, lost] = [0, 0, 0];
  const url = new URL(core.database.url);
  url.searchParams.set('application_name', 'a-leader');
  const stores = [0, 1].map(() => openStore({ ...patient, url: url.href, max: 2, onError: () => {} }));
  after(() => Promise.all(stores.map((store) => store.end())));
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const leads = stores.map(async (store) => {
    while (!stop.signal.aborted) {
      await policyRound(store, 0).then(
        (made) => {
          // Not one that was another's turn: kills would come faster than a large fleet's round takes.
          if (made !== null) rounds += 1;
        },
        () => {
          lost += 1;
        },
      );
      const now = await running();
      most = Math.max(most, now);
      assert.ok(now <= atOnce, `${now}`);
      await pause(10);
    }
  });
  // Each time a round has come to its end, so that they get on on a slow machine too.
  const kills = (async () => {
    let seen = 0;
    while (!stop.signal.aborted) {
      if (rounds > seen) {
        await pause(Math.random() * 100);
        seen = rounds;
        await pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'a-leader'`,
        );
      }
      await pause(20);
    }
  })();
  const works = [0, 1].map(async (worker) => {
    const env = core.environment();
    while (!stop.signal.aborted) {
      const { rows } = await pool.query<{ id: string }>(
        `select id from rekey.rotations where status = 'in_progress' and get_byte(uuid_send(id), 0) % 2 = $1
         order by started_at, id limit 1`,
        [worker],
      );
      const [next] = rows;
      if (next === undefined) await pause(5);
      // To its end: the last one may be seen to have ended before its call has.
      else await rotate(env, next.id, new AbortController().signal);
    }
  });
  const everything = [...leads, kills, ...works];
  const failed = Promise.all(everything);
  const done = (async () => {
    for (;;) {
      const { rows } = await pool.query<{ n: string }>(
        `select count(*) as n from rekey.rotations where policy_version is not null and status = 'completed'`,
      );
      if (Number(rows[0]?.n) >= count) return;
      await pause(100);
    }
  })();
  await Promise.race([done, failed]);
  stop.abort();
  await failed;

  const { rows } = await pool.query<{ tenant_id: string; n: string; status: string }>(
    `select tenant_id, count(*) as n, min(status) as status from rekey.rotations group by 1`,
  );
  assert.deepEqual(rows.map((one) => one.tenant_id).sort(), tenants.toSorted(), 'none skipped');
  assert.ok(
    rows.every(({ n, status }) => n === '1' && status === 'completed'),
    'none twice',
  );
  assert.ok(most > atOnce / 2 && most <= atOnce, `${most}`);
  assert.ok(rounds > 0 && lost > 0, `${rounds} rounds, ${lost} lost with their leader`);
  const [times] = (
    await pool.query<{ whole: number; small: number; p95: number; ended: number }>(
      `select extract(epoch from max(completed_at) - min(started_at))::float8 as whole,
         percentile_cont(0.5) within group (order by extract(epoch from completed_at - started_at)::float8)
           filter (where (select sum(v.value::bigint) from jsonb_each_text(items_to_rotate) v) < 10) as small,
         percentile_cont(0.95) within group (order by extract(epoch from completed_at - started_at)::float8)
           filter (where (select sum(v.value::bigint) from jsonb_each_text(items_to_rotate) v) < 10) as p95,
         percentile_cont(0.5) within group (order by extract(epoch from completed_at - (select min(r.started_at) from rekey.rotations r))::float8)
           filter (where (select sum(v.value::bigint) from jsonb_each_text(items_to_rotate) v) < 10) as ended
       from rekey.rotations`,
    )
  ).rows;
  assert.ok(times !== undefined);
  t.diagnostic(
    `${count} tenants in ${times.whole.toFixed(1)} s, at most ${most} at once; the median small one took ${times.small.toFixed(2)} s ` +
      `(${((100 * times.small) / times.whole).toFixed(2)} %), 95 % under ${times.p95.toFixed(2)} s, and had ended after ${((100 * times.ended) / times.whole).toFixed(0)} % of it; ${rounds} rounds, ${lost} lost with their leader`,
  );
  // A small fleet is done so soon that one is a larger part of it.
  const part = count >= 1_000 ? 20 : 4;
  assert.ok(times.small < times.whole / part, 'a small one does not wait for all the others');
});
