/** What the tests of policies' rounds share: each file that imports it has a database of its own. */
import { policyRound } from '@rekey/control';
import { pastTheTriggers } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';

export const core = await rotationCore();
export const { store, pool } = core;
export const all = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;

export async function put(tenantId: string | null, policy: object): Promise<void> {
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy) values ($1,
       (select coalesce(max(version), 0) + 1 from rekey.policies where tenant_id is not distinct from $1), $2)`,
    [tenantId, JSON.stringify(policy)],
  );
}
/** As if its active DEK were so many days old. */
export async function age(tenantId: string, days: number): Promise<void> {
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.deks set activated_at = clock_timestamp() - $2::float8 * interval '24 hours'
       where tenant_id = $1 and state = 'active'`,
      [tenantId, days],
    ),
  );
}
export const levelOf = async (tenantId: string): Promise<string | undefined> =>
  (await all('select level from rekey.policy_standing($1)', [tenantId]))[0]?.level;
export const round = () => policyRound(store, 0);
export const runningByPolicy = async (): Promise<number> =>
  (
    await all(
      `select count(*)::int as n from rekey.rotations where status = 'in_progress' and policy_version is not null`,
    )
  )[0].n;
