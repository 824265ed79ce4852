import { benchTable } from '../rig/dataset.ts';
import { onBareTable } from './bare-table.ts';
import type { Contender } from './contender.ts';
import { plainCrypto } from './plain-crypto.ts';

const pageRows = 500;

/** Good batch code as it is usually written: pages of 500, `unnest` of JavaScript arrays, one step after the other. */
export const usualBatch: Contender = {
  name: 'usual batch code: pages of 500, unnest, in steps',
  run: (task) =>
    onBareTable(task, async (client) => {
      const reencrypt = await plainCrypto(task);
      const idType = task.dataset.idKind === 'bigint' ? 'bigint' : 'uuid';
      await task.prepared();
      const begun = performance.now();
      let records = 0;
      let cursor: string | null = null;
      for (;;) {
        task.rig.signal.throwIfAborted();
        const { rows }: { rows: Array<{ id: string; ciphertext: Buffer }> } = await client.query(
          `select id, ciphertext from ${benchTable}
           where tenant_id = $1 and ($2::${idType} is null or id > $2::${idType}) order by id limit ${pageRows}`,
          [task.dataset.tenantId, cursor],
        );
        const last = rows.at(-1);
        if (last === undefined) return { records, ms: performance.now() - begun };
        await client.query(
          `update ${benchTable} t set ciphertext = w.ciphertext, key_number = t.key_number + 1
           from unnest($1::${idType}[], $2::bytea[]) as w(id, ciphertext) where t.id = w.id`,
          [rows.map(({ id }) => id), rows.map(({ id, ciphertext }) => reencrypt(id, ciphertext))],
        );
        records += rows.length;
        cursor = last.id;
      }
    }),
};
