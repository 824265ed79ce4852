import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@rekey/db';
import { createRecordCipher, recordIdBytes } from '@rekey/envelope';
import { createKeyring, type Dek, type Keyring } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { History } from '../history.ts';
import type { Random } from '../random.ts';
import type { Client } from './readers.ts';
import { type ChaosRecord, nameOf, valueAt } from './records.ts';
import { RolledBack, recorded } from './writers.ts';

interface PlainTools {
  readonly store: Store;
  readonly keks: Keks;
  readonly history: History;
  readonly random: Random;
  readonly name: string;
}

const isolations = ['read committed', 'repeatable read', 'serializable'];
const columns = '(id, tenant_id, name, key_number, ciphertext)';
const given =
  'select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bytea[]) as w (id, tenant_id, name, key_number, ciphertext)';
const set = 'key_number = w.key_number, ciphertext = w.ciphertext';

/** The forms in which SQL writes what may be there already. */
const forms: ReadonlyArray<(table: string) => string> = [
  (table) =>
    `insert into ${table} ${columns} ${given} on conflict (id)
     do update set key_number = excluded.key_number, ciphertext = excluded.ciphertext`,
  (table) =>
    `merge into ${table} t using (${given}) w on t.id = w.id
     when matched then update set ${set}
     when not matched then insert ${columns} values (w.id, w.tenant_id, w.name, w.key_number, w.ciphertext)`,
  (table) =>
    `with w as (${given}), changed as (update ${table} t set ${set} from w where t.id = w.id returning t.id)
     insert into ${table} ${columns} select * from w where id not in (select id from changed)`,
  (table) =>
    `with gone as (delete from ${table} where id = any ($1) returning 1)
     select count(*), $2::uuid[], $3::text[], $4::int[], $5::bytea[] from gone`,
];

/** An application without our library: `rekey.hold_dek`, a cipher of its own, and SQL in every form and isolation. */
export function plainWriter(tools: PlainTools, records: readonly ChaosRecord[]): Client {
  const keyring = createKeyring({ store: tools.store, keks: tools.keks });
  return async (signal) => {
    while (!signal.aborted && records.length > 0) {
      const first = tools.random.pick(records);
      const fitting = records.filter(
        ({ tenantId, target }) => tenantId === first.tenantId && target === first.target,
      );
      const together = tools.random.shuffled(fitting).slice(0, tools.random.integer(1, 5));
      await recorded(tools, together, () => write(tools, keyring, first, together));
      await sleep(60 + tools.random.next() * 60);
    }
  };
}

async function write(
  { store, random }: PlainTools,
  keyring: Keyring,
  { tenantId, target }: ChaosRecord,
  together: readonly ChaosRecord[],
): Promise<void> {
  const client = await store.connect().catch((error: unknown) => {
    throw new RolledBack(error);
  });
  let broken = false;
  const onDeath = (): void => {
    broken = true;
  };
  client.on('error', onDeath);
  try {
    try {
      await client.query(`begin isolation level ${random.pick(isolations)}`);
      const dek = await held(client, keyring, tenantId);
      const sql = random.pick(forms)(target);
      await client.query(sql, values(tenantId, target, dek, together));
      // A record that was deleted is written anew by the same transaction.
      if (sql.startsWith('with gone')) await insert(client, random, tenantId, target, dek, together);
      if (random.chance(0.2)) await sleep(random.integer(5, 200));
    } catch (error) {
      throw new RolledBack(error);
    }
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new RolledBack(new Error('the transaction was aborted'));
  } catch (error) {
    await client.query('rollback').catch(onDeath);
    // A serializable transaction may be refused at its commit, and says so.
    if (error instanceof Error && 'code' in error && error.code === '40001') throw new RolledBack(error);
    throw error;
  } finally {
    client.off('error', onDeath);
    client.release(broken);
  }
}

async function insert(
  client: PoolClient,
  random: Random,
  tenantId: string,
  target: string,
  dek: Dek,
  records: readonly ChaosRecord[],
): Promise<void> {
  const all = values(tenantId, target, dek, records);
  if (random.chance(0.5)) {
    await client.query(`insert into ${target} ${columns} ${given}`, all);
    return;
  }
  const [ids, tenants, names, keyNumbers, ciphertexts] = all;
  const lines = ids.map(
    (id, i) =>
      `${id}\t${tenants[i]}\t${names[i]}\t${keyNumbers[i]}\t\\\\x${ciphertexts[i]?.toString('hex')}\n`,
  );
  await pipeline(Readable.from(lines), client.query(copyFrom(`copy ${target} ${columns} from stdin`)));
}

async function held(on: Pick<PoolClient, 'query'>, keyring: Keyring, tenantId: string): Promise<Dek> {
  const { rows } = await on.query<{ key_number: number }>('select key_number from rekey.hold_dek($1)', [
    tenantId,
  ]);
  const dek = rows[0] === undefined ? null : await keyring.byNumber(tenantId, rows[0].key_number);
  if (dek === null) throw new Error('no active DEK');
  return dek;
}

function values(
  tenantId: string,
  target: string,
  dek: Dek,
  records: readonly ChaosRecord[],
): [ids: string[], tenants: string[], names: string[], keyNumbers: number[], ciphertexts: Buffer[]] {
  const cipher = createRecordCipher({ tenantId, column: `${target}.ciphertext` });
  return [
    records.map(({ id }) => id),
    records.map(() => tenantId),
    records.map((record) => nameOf(record).name),
    records.map(() => dek.keyNumber),
    records.map(({ id, index, version }) =>
      cipher.seal(dek.key, dek.keyNumber, recordIdBytes('uuid', id), valueAt(index, version)),
    ),
  ];
}
