import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { Pool } from 'pg';
import { runAdversary } from '../adversary/adversary.ts';
import { render } from '../adversary/render.ts';
import type { TestDatabase } from '../harness/database.ts';

/** The adversary on a Postgres of its own: half of the time with one lock per DEK, half with eight. How much was wrong. */
export async function runAdversaries(
  seconds: number,
  seed: number,
  log: (line: string) => void,
): Promise<number> {
  const postgres = await startPostgres();
  let wrong = 0;
  try {
    for (const slots of [1, 8] as const) {
      const database = await migrated(postgres.url, `adversary_${slots}`);
      const report = await runAdversary({ database, seconds: seconds / 2, slots, seed });
      log(`Adversary, ${slots} lock rows per DEK: ${render(report)}`);
      for (const error of report.unexpected.slice(0, 20)) log(`  unexpected: ${error}`);
      wrong += report.unexpected.length + Object.keys(report.committedAfterProof).length;
      await database.drop();
    }
  } finally {
    await postgres.stop();
  }
  return wrong;
}

async function migrated(serverUrl: string, name: string): Promise<TestDatabase> {
  const url = await createDatabase(serverUrl, name);
  await migrate(url);
  const pools: Pool[] = [];
  return {
    url,
    pool(options) {
      const pool = new Pool({ connectionString: url, ...options });
      pool.on('error', () => {});
      pools.push(pool);
      return pool;
    },
    async drop() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}
