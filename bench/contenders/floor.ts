import { benchTable } from '../rig/dataset.ts';
import { onBareTable } from './bare-table.ts';
import type { Contender } from './contender.ts';

/**
 * What Postgres alone takes to write every record of the tenant anew: one UPDATE, no crypto, no fence. Nothing that
 * keeps the records in Postgres and its table as it is comes before floor A; floor B has room on every page.
 */
export const floorA = floor('floor A: one UPDATE, fillfactor 90, no crypto', 90);
export const floorB = floor('floor B: one UPDATE, fillfactor 50, no crypto', 50);

function floor(name: string, fillfactor: number): Contender {
  return {
    name,
    run: (task) =>
      onBareTable(task, async (client) => {
        if (fillfactor !== 90) {
          await client.query(`alter table ${benchTable} set (fillfactor = ${fillfactor})`);
          await client.query(`vacuum (full, analyze) ${benchTable}`);
        }
        await task.prepared();
        const begun = performance.now();
        const { rowCount } = await client.query(
          `update ${benchTable} set key_number = key_number + 1,
             ciphertext = overlay(ciphertext placing int4send(key_number + 1) from 2)
           where tenant_id = $1`,
          [task.dataset.tenantId],
        );
        return { records: rowCount ?? 0, ms: performance.now() - begun };
      }),
  };
}
