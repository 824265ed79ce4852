import type { Pool, PoolClient } from 'pg';

/** Runs statements past every trigger, as a broken disk, a restore or a careless superuser would. */
export async function pastTheTriggers(pool: Pool, work: (tx: PoolClient) => Promise<unknown>): Promise<void> {
  const client = await pool.connect();
  let done = false;
  try {
    await client.query('begin');
    await client.query("set local session_replication_role = 'replica'");
    await work(client);
    await client.query('commit');
    done = true;
  } finally {
    // With its transaction still open it must not be used again.
    client.release(!done);
  }
}

export async function bytesOf(on: Pick<Pool, 'query'>, target: string, id: string): Promise<Buffer> {
  const { rows } = await on.query<{ ciphertext: Buffer }>(`select ciphertext from ${target} where id = $1`, [
    id,
  ]);
  const [found] = rows;
  if (found === undefined) throw new Error(`no ${target} ${id}`);
  return found.ciphertext;
}

/** Replaces a record's ciphertext by what `change` makes of it. */
export async function damage(
  pool: Pool,
  target: string,
  id: string,
  change: (ciphertext: Buffer) => Buffer,
): Promise<Buffer> {
  const damaged = change(await bytesOf(pool, target, id));
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update ${target} set ciphertext = $2, key_number = $3 where id = $1`, [
      id,
      damaged,
      damaged.readUInt32BE(1),
    ]),
  );
  return damaged;
}

export function flipBit(ciphertext: Buffer, at = 20): Buffer {
  const flipped = Buffer.from(ciphertext);
  flipped.writeUInt8(flipped.readUInt8(at) ^ 0x10, at);
  return flipped;
}
