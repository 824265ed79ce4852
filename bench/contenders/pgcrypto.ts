import type { Client } from 'pg';
import { benchTable } from '../rig/dataset.ts';
import { onBareTable } from './bare-table.ts';
import { type Contender, Unavailable } from './contender.ts';

/** In the database, as one UPDATE: AES-256 in CBC mode, which nothing authenticates. The server sees the keys. */
export const pgcryptoRaw: Contender = {
  name: 'pgcrypto encrypt_iv(decrypt_iv()), unauthenticated',
  run: (task) =>
    onBareTable(task, async (client) => {
      await createExtension(client);
      await client.query(
        `update ${benchTable} set ciphertext = sealed.iv || encrypt_iv(substring(ciphertext from 18), $2, sealed.iv, 'aes-cbc/pad:pkcs')
         from (select id as of, gen_random_bytes(16) as iv from ${benchTable}) sealed
         where sealed.of = id and tenant_id = $1`,
        [task.dataset.tenantId, keys.from],
      );
      await client.query(`vacuum (full, analyze) ${benchTable}`);
      await task.prepared();
      const begun = performance.now();
      const { rowCount } = await client.query(
        `update ${benchTable} t set key_number = t.key_number + 1, ciphertext = fresh.iv || encrypt_iv(
           decrypt_iv(substring(t.ciphertext from 17), $2, substring(t.ciphertext from 1 for 16), 'aes-cbc/pad:pkcs'),
           $3, fresh.iv, 'aes-cbc/pad:pkcs')
         from (select id, gen_random_bytes(16) as iv from ${benchTable} where tenant_id = $1) fresh
         where fresh.id = t.id`,
        [task.dataset.tenantId, keys.from, keys.to],
      );
      return { records: rowCount ?? 0, ms: performance.now() - begun };
    }),
};

/** The same with OpenPGP, which authenticates. A sample: the statement takes about half a millisecond per record. */
export const pgcryptoPgp: Contender = {
  name: 'pgcrypto pgp_sym_encrypt(pgp_sym_decrypt())',
  run: (task) =>
    onBareTable(task, async (client) => {
      await createExtension(client);
      const sample = Math.max(200, Math.min(task.dataset.records, task.sampleMs));
      await client.query(
        `create temporary table sample as select id from ${benchTable} where tenant_id = $1 limit ${sample}`,
        [task.dataset.tenantId],
      );
      const update = `update ${benchTable} set key_number = key_number + 1, ciphertext =`;
      const these = 'where id in (select id from sample)';
      const options = "'cipher-algo=aes256, compress-algo=0'";
      await client.query(`${update} pgp_sym_encrypt_bytea(ciphertext, 'from', ${options}) ${these}`);
      await task.prepared();
      const begun = performance.now();
      const { rowCount } = await client.query(
        `${update} pgp_sym_encrypt_bytea(pgp_sym_decrypt_bytea(ciphertext, 'from'), 'to', ${options}) ${these}`,
      );
      return { records: rowCount ?? 0, ms: performance.now() - begun };
    }),
};

const keys = { from: Buffer.alloc(32, 1), to: Buffer.alloc(32, 2) };

async function createExtension(client: Client): Promise<void> {
  await client.query('create extension pgcrypto').catch((error: Error) => {
    throw new Unavailable(`this server has no pgcrypto: ${error.message}`);
  });
}
