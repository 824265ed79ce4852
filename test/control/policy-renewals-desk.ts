/** What the tests of rewraps by policy share: each file that imports it has a database of its own. */
import assert from 'node:assert/strict';
import { renewalRound, steerRewrap } from '@rekey/control';
import { rewrapDeks } from '@rekey/rotation';
import { pastTheTriggers } from '../harness/damage.ts';
import { ada, idle, rewrapping } from '../rewrap/rewrapping.ts';

export const desk = await rewrapping();
export const { core, old, fresh } = desk;
export const { store, pool } = core;
export const all = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;
export const put = (tenantId: string | null, policy: object) =>
  pool.query(
    `insert into rekey.policies (tenant_id, version, policy) values ($1,
       (select coalesce(max(version), 0) + 1 from rekey.policies where tenant_id is not distinct from $1), $2)`,
    [tenantId, JSON.stringify(policy)],
  );
/** As if its DEKs, or the one of that number, had been wrapped so many days ago. */
export const age = (tenantId: string, days: number, keyNumber: number | null = null) =>
  pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.dek_material m set wrapped_at = clock_timestamp() - $2::float8 * interval '24 hours'
       from rekey.deks d where d.id = m.dek_id and d.tenant_id = $1 and ($3::int is null or d.key_number = $3)`,
      [tenantId, days, keyNumber],
    ),
  );
export const round = () => renewalRound(store);
export const levelOf = async (tenantId: string): Promise<string | undefined> =>
  (await all('select level from rekey.renewal_standing($1)', [tenantId]))[0]?.level;
export const wraps = (tenantId: string) =>
  all(
    `select d.key_number as n, m.wrap_version as v, m.kek_id as kek from rekey.deks d
     join rekey.dek_material m on m.dek_id = d.id where d.tenant_id = $1 order by 1`,
    [tenantId],
  );
export async function finish(): Promise<void> {
  for (;;) {
    const claimed = await all(`select id from rekey.rewraps where status = 'in_progress'`);
    if (claimed.length === 0) return;
    assert.equal(await rewrapDeks(desk.environment(), await desk.claim(), idle), 'done');
  }
}
/** Ends whatever runs, and leaves nobody whose time has come. */
export async function clear(): Promise<void> {
  for (const { id } of await all(`select id from rekey.rewraps where status in ('in_progress', 'paused')`))
    await steerRewrap(store, id, 'cancelled', { actor: ada, reason: null });
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy)
     select p.tenant_id, max(p.version) + 1, '{}' from rekey.policies p where p.tenant_id is not null group by 1`,
  );
}
export const tenantsWith = async (count: number, policy: object, days: number): Promise<string[]> => {
  const made = await Promise.all(Array.from({ length: count }, () => core.createTenant()));
  for (const tenantId of made) {
    await put(tenantId, policy);
    await age(tenantId, days);
  }
  return made;
};
