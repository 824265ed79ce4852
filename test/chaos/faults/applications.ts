import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type Fault, type FaultTools, seenIf } from './fault.ts';

/** A session of the application's role that nobody of ours knows, past every proxy. */
async function withSession<T>(
  { world }: FaultTools,
  name: string,
  work: (session: Client) => Promise<T>,
): Promise<T> {
  const session = new Client({ connectionString: world.applicationUrl, application_name: name });
  session.on('error', () => {});
  try {
    await session.connect();
    return await work(session);
  } finally {
    await session.end().catch(() => {});
  }
}

const stays = async ({ signal }: FaultTools, ms: number): Promise<void> => {
  await sleep(ms, undefined, { signal }).catch(() => {});
};

/** Holds the DEKs of some tenants across their switches, as a debugger or a long import does. */
const forgotten: Fault = async (tools) => {
  const { random, tenants } = tools;
  const ms = random.integer(1_000, 20_000);
  const some = random.shuffled([...tenants]).slice(0, random.integer(1, 3));
  return withSession(tools, 'forgetful', async (session) => {
    await session.query('begin');
    for (const { tenantId } of some) await session.query('select rekey.hold_dek($1)', [tenantId]);
    await stays(tools, ms);
    const { rowCount } = await tools.world.pool.query(
      'select from rekey.dek_drains where tenant_id = any ($1)',
      [some.map(({ tenantId }) => tenantId)],
    );
    const ended = await session.query(random.chance(0.5) ? 'commit' : 'rollback').then(
      () => true,
      () => false, // another fault ended it, which is seen as that one's
    );
    return seenIf(ended, `${some.length} tenants for ${ms} ms, ${rowCount} DEKs drained meanwhile`);
  });
};

/** A transaction without a session, which outlives restarts. */
const prepared: Fault = async (tools) => {
  const { random, tenants, world } = tools;
  const gid = `chaos ${randomUUID()}`;
  const { tenantId } = random.pick(tenants);
  const ms = random.integer(1_000, 8_000);
  const made = await withSession(tools, 'forgetful', async (session) => {
    await session.query('begin');
    await session.query('select rekey.hold_dek($1)', [tenantId]);
    await session.query(`prepare transaction '${gid}'`);
    return true;
  }).catch(() => false);
  await stays(tools, made ? ms : 0);
  const end = random.chance(0.5) ? 'commit' : 'rollback';
  // It may be there though its making was not answered; and it must go, whatever else is going on.
  for (let tries = 0; tries < 100; tries += 1) {
    const { rowCount } = await world.pool
      .query('select from pg_prepared_xacts where gid = $1', [gid])
      .catch(() => ({ rowCount: 1 }));
    if (rowCount === 0) break;
    await world.pool.query(`${end} prepared '${gid}'`).catch(() => sleep(100));
  }
  return seenIf(made, `for ${ms} ms, then ${end}`);
};

export const applicationFaults = {
  'transaction-forgotten': forgotten,
  'transaction-prepared': prepared,
} as const satisfies Record<string, Fault>;
