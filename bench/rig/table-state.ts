import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** What a run did to the table and to the write-ahead log. */
export interface TableChange {
  readonly tableBytesBefore: number;
  readonly tableBytesAfter: number;
  readonly walBytes: number;
  /** The share of updates that stayed on their page and touched no index; null when nothing was updated. */
  readonly hotShare: number | null;
}

interface TableState {
  readonly bytes: number;
  readonly lsn: string;
  readonly updated: number;
  readonly hot: number;
}

/**
 * Does `work` between two looks at the table. `work` calls `prepared` when what is to be measured begins; a checkpoint
 * goes before that, so that every run finds the log alike.
 */
export async function watchTable<T>(
  databaseUrl: string,
  table: string,
  work: (prepared: () => Promise<void>) => Promise<T>,
): Promise<T & TableChange> {
  // Not an application, to which a sweep would yield: the checkpoint would hold it back for seconds.
  const client = new Client({ connectionString: databaseUrl, application_name: 'rekey-bench' });
  client.on('error', () => {});
  await client.connect();
  try {
    let before = await look(client, table);
    const result = await work(async () => {
      await client.query('checkpoint').catch(() => {}); // a given server may not let us
      await sleep(statisticsLagMs);
      before = await look(client, table);
    });
    await sleep(statisticsLagMs);
    const after = await look(client, table);
    const { rows } = await client.query<{ bytes: string }>('select pg_wal_lsn_diff($1, $2) as bytes', [
      after.lsn,
      before.lsn,
    ]);
    const updated = after.updated - before.updated;
    return {
      ...result,
      tableBytesBefore: before.bytes,
      tableBytesAfter: after.bytes,
      walBytes: Number(rows[0]?.bytes ?? 0),
      hotShare: updated === 0 ? null : (after.hot - before.hot) / updated,
    };
  } finally {
    await client.end();
  }
}

/** A session reports its statistics when it ends; that takes a moment. */
const statisticsLagMs = 100;

async function look(client: Client, table: string): Promise<TableState> {
  await client.query('select pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ bytes: string; lsn: string; updated: string; hot: string }>(
    `select pg_total_relation_size(s.relid) as bytes, pg_current_wal_insert_lsn() as lsn,
       s.n_tup_upd as updated, s.n_tup_hot_upd as hot
     from pg_stat_user_tables s where s.relid = $1::regclass`,
    [table],
  );
  const [found] = rows;
  if (found === undefined) throw new Error(`no statistics of ${table}`);
  return {
    bytes: Number(found.bytes),
    lsn: found.lsn,
    updated: Number(found.updated),
    hot: Number(found.hot),
  };
}
