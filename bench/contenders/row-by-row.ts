import { benchTable } from '../rig/dataset.ts';
import { onBareTable } from './bare-table.ts';
import type { Contender } from './contender.ts';
import { plainCrypto } from './plain-crypto.ts';

/** As most applications do it: for each record one SELECT, one UPDATE, each committed by itself. A sample. */
export const rowByRow: Contender = {
  name: 'row by row: SELECT, crypto, UPDATE, autocommit',
  run: (task) =>
    onBareTable(task, async (client) => {
      const reencrypt = await plainCrypto(task);
      const { rows: ids } = await client.query<{ id: string }>(
        `select id from ${benchTable} where tenant_id = $1 order by id`,
        [task.dataset.tenantId],
      );
      await task.prepared();
      const begun = performance.now();
      let records = 0;
      for (const { id } of ids) {
        const { rows } = await client.query<{ ciphertext: Buffer }>(
          `select ciphertext from ${benchTable} where id = $1`,
          [id],
        );
        const [found] = rows;
        if (found === undefined) continue;
        await client.query(
          `update ${benchTable} set ciphertext = $2, key_number = key_number + 1 where id = $1`,
          [id, reencrypt(id, found.ciphertext)],
        );
        records += 1;
        if (performance.now() - begun > task.sampleMs) break;
      }
      return { records, ms: performance.now() - begun };
    }),
};
