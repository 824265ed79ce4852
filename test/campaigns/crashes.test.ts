import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noItems } from '@rekey/data';
import { campaigning } from './campaigning.ts';

const { core, tenants, begin, view, look, running, states, rotationsOf } = await campaigning();
const { pool } = core;
const items = JSON.stringify(noItems());

/** Everything that a leader writes, in the order in which it does: it is killed at each. */
const tables = ['rekey.rotations', 'rekey.deks', 'rekey.campaign_members', 'rekey.campaigns', 'rekey.events'];

test('a leader killed at any write has started nobody, and the next one skips nobody and starts nobody twice', async () => {
  const tenantIds = await tenants(4);
  const id = await begin({ whom: { tenantIds }, atOnceMax: 2 });
  let killed = 0;
  await pool.query(`create function public.die() returns trigger language plpgsql as $$ begin
    if current_setting('test.dies_at', true) = tg_table_name || ' ' || tg_when then
      perform pg_terminate_backend(pg_backend_pid());
      perform pg_sleep(10);
    end if;
    return case when tg_op = 'DELETE' then old else new end; end $$`);
  for (const table of tables)
    for (const when of ['before', 'after'])
      await pool.query(
        `create trigger zz_die_${when} ${when} insert or update on ${table} for each row execute function public.die()`,
      );
  const work = ['select * from rekey.start_member($1)', 'select rekey.settle_campaigns(), $1::jsonb'];
  const dieAt = async (place: string, statement: string): Promise<boolean> => {
    const client = await pool.connect();
    client.on('error', () => {});
    try {
      await client.query(`set test.dies_at = '${place}'`);
      await client.query(statement, [items]);
      await client.query('reset test.dies_at');
      client.release();
      return false;
    } catch (error) {
      client.release(error as Error);
      return true;
    }
  };
  while ((await view(id)).completedAt === null) {
    for (const table of tables)
      for (const when of ['BEFORE', 'AFTER'])
        for (const statement of work) {
          const before = { states: await states(id), started: await rotationsOf(id) };
          if (!(await dieAt(`${table.slice('rekey.'.length)} ${when}`, statement))) continue;
          killed += 1;
          assert.deepEqual({ states: await states(id), started: await rotationsOf(id) }, before);
        }
    await look();
    const [next] = await running(id);
    if (next !== undefined) await core.finish(next);
  }
  assert.ok(killed >= 12, `${killed}`);
  assert.deepEqual(await states(id), ['completed', 'completed', 'completed', 'completed']);
  assert.deepEqual(await rotationsOf(id), new Map(tenantIds.map((tenantId) => [tenantId, 1])));
});

test('many leaders at once start each tenant once, and never more than allowed', async () => {
  const tenantIds = await tenants(30);
  const id = await begin({ whom: { tenantIds }, atOnceMax: 7, canaries: 2 });
  let most = 0;
  while ((await view(id)).completedAt === null) {
    await Promise.all(Array.from({ length: 6 }, () => look()));
    const now = await running(id);
    most = Math.max(most, now.length);
    assert.ok(now.length <= 7, `${now.length}`);
    await Promise.all(now.slice(0, 4).map((rotationId) => core.finish(rotationId)));
  }
  assert.equal(most, 7);
  assert.deepEqual(await rotationsOf(id), new Map(tenantIds.map((tenantId) => [tenantId, 1])));
});
