import type { Client } from 'pg';
import { benchTable } from '../rig/dataset.ts';
import { onBareTable } from './bare-table.ts';
import type { Contender } from './contender.ts';
import { plainCrypto } from './plain-crypto.ts';

/**
 * The statements of prisma-field-encryption's generated migration, which visits one record per transaction: `findFirst`
 * behind a cursor, then `update`, which Prisma runs as SELECT, UPDATE, SELECT. Without Prisma's own overhead. A sample.
 */
export const prismaSequence: Contender = {
  name: "prisma-field-encryption's statements",
  run: (task) =>
    onBareTable(task, async (client) => {
      const reencrypt = await plainCrypto(task);
      await task.prepared();
      const begun = performance.now();
      let records = 0;
      let cursor: string | null = null;
      while (performance.now() - begun < task.sampleMs) {
        await client.query('begin');
        const found = await findFirst(client, task.dataset.tenantId, cursor);
        if (found === undefined) {
          await client.query('commit');
          break;
        }
        await client.query(`select id from ${benchTable} where id = $1 and 1 = 1`, [found.id]);
        await client.query(
          `update ${benchTable} set ciphertext = $2, key_number = key_number + 1 where id = $1 and 1 = 1`,
          [found.id, reencrypt(found.id, found.ciphertext)],
        );
        await client.query(`select * from ${benchTable} where id = $1 limit 1 offset 0`, [found.id]);
        await client.query('commit');
        cursor = found.id;
        records += 1;
      }
      return { records, ms: performance.now() - begun };
    }),
};

interface Found {
  readonly id: string;
  readonly ciphertext: Buffer;
}

async function findFirst(
  client: Client,
  tenantId: string,
  cursor: string | null,
): Promise<Found | undefined> {
  const behind = `and id >= (select id from ${benchTable} where id = $2)`;
  const { rows } = await client.query<Found>(
    `select id, ciphertext from ${benchTable} where tenant_id = $1 ${cursor === null ? '' : behind}
     order by id asc limit 1 offset ${cursor === null ? 0 : 1}`,
    cursor === null ? [tenantId] : [tenantId, cursor],
  );
  return rows[0];
}
