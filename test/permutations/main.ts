/**
 * `npm run permutations -- [--schedules 10000] [--seed 1]`: more orders than the tests play, on a Postgres of their own
 * or on that of DATABASE_URL. Prints how many there were, and every violation with its seed.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { migrate } from '@rekey/schema';
import { createDatabase, dropDatabase, runUntilDone, startServers } from '@rekey/stack';
import { Pool } from 'pg';
import { runSchedules } from './run-schedules.ts';

const { values } = parseArgs({
  options: { schedules: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});

await runUntilDone(async () => {
  const servers = await startServers(process.env, { log: (line) => process.stdout.write(`${line}\n`) });
  const name = `rekey_permutations_${randomBytes(4).toString('hex')}`;
  try {
    const url = await createDatabase(servers.databaseUrl, name);
    await migrate(url);
    const pool = new Pool({ connectionString: url, max: 40 });
    pool.on('error', () => {});
    const began = performance.now();
    const run = await runSchedules(pool, { seed: Number(values.seed), schedules: Number(values.schedules) });
    await pool.end();
    const seconds = Math.round((performance.now() - began) / 1_000);
    process.stdout.write(
      `${run.schedules} schedules from seed ${values.seed} in ${seconds} s: ${run.orders} orders, somebody waited in ` +
        `${run.waited}, a range was proved in ${run.proved}; ${run.found.length} violations\n`,
    );
    for (const found of run.found) process.stdout.write(`${JSON.stringify(found)}\n`);
    return run.found.length === 0 ? 0 : 1;
  } finally {
    await dropDatabase(servers.databaseUrl, name);
    await servers.stop();
  }
});
