import type { AuditDesk } from './audit-desk.ts';

/** With the rows alone; with the chains of the tenants made anew, so that they fit together; with the log made anew as well. */
export const modes = ['rows', 'chain', 'log'] as const;
export type Mode = (typeof modes)[number];

const tables = [
  'events',
  'event_chains',
  'log_leaves',
  'log_nodes',
  'log_heads',
  'log_size',
  'log_checkpoints',
] as const;

export interface Tampering {
  /** Past every guard, as whoever owns the schema can. */
  asOwner(sql: string): Promise<void>;
  /** What the statements make of the rows of these tenants, in the temporary table `tampered`, in the order of `chain` and `place`. */
  tamper(sql: string, tenants: readonly string[], mode: Mode): Promise<void>;
  /** As all was when this was made. */
  restore(): Promise<void>;
}

export async function tamperAsOwner({ pool }: Pick<AuditDesk, 'pool'>): Promise<Tampering> {
  for (const table of tables) await pool.query(`create table saved_${table} as table rekey.${table}`);
  const asOwner = async (sql: string): Promise<void> => {
    await pool.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
  };
  return {
    asOwner,
    tamper: (sql, tenants, mode) => {
      const chains = tenants.map((tenant) => `'${tenant}'::uuid`).join();
      return asOwner(`
        create temp table tampered on commit drop as
          select *, sequence::numeric as place from rekey.events where chain in (${chains});
        ${sql}; ${makesEvents(chains, mode)}; ${mode === 'log' ? makesLog : ''}`);
    },
    restore: () =>
      asOwner(
        tables
          .map((table) => `delete from rekey.${table}; insert into rekey.${table} table saved_${table}`)
          .join(';'),
      ),
  };
}

const makesEvents = (chains: string, mode: Mode): string => `
  delete from rekey.events where chain in (${chains});
  do $$ declare
    e rekey.events; n bigint; before bytea; r record; of uuid := null;
  begin
    for r in select * from tampered order by chain, place loop
      if of is distinct from r.chain then
        n := 0; before := decode(repeat('00', 32), 'hex'); of := r.chain;
      end if;
      n := n + 1;
      e := row(r.chain, n, r.version, r.kind, r.at, r.actor, r.database_role, r.rotation_id, r.payload, r.previous, r.hash);
      if '${mode}' <> 'rows' then
        e.previous := before;
        e.hash := rekey.event_hash(e);
        before := e.hash;
      end if;
      insert into rekey.events select e.*;
    end loop;
    if '${mode}' <> 'rows' then
      update rekey.event_chains c set (sequence, hash) = (select x.sequence, x.hash from rekey.events x
        where x.chain = c.chain order by x.sequence desc limit 1) where chain in (select t.chain from tampered t);
    end if;
  end $$`;

const makesLog = `
  create temp table leaves on commit drop as
    select row_number() over (order by l.index) - 1 as index, l.chain, l.sequence, coalesce(e.hash, l.content) as content
    from rekey.log_leaves l left join rekey.events e on (e.chain, e.sequence) = (l.chain, l.sequence)
    where l.chain is null or e.hash is not null;
  delete from rekey.log_leaves; delete from rekey.log_nodes; delete from rekey.log_heads;
  insert into rekey.log_leaves select * from leaves;
  update rekey.log_size set size = (select count(*) from leaves);
  select rekey.complete_log(0, (select count(*) from leaves));
  insert into rekey.log_heads select distinct on (chain) chain, sequence, content from leaves where chain is not null
    order by chain, sequence desc`;
