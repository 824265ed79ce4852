import type { PoolClient } from 'pg';

export interface Verdict {
  /** Writes by kind that were committed under an older key and that a proof's snapshot had not seen. */
  readonly committedAfterProof: Readonly<Record<string, number>>;
  readonly writes: number;
  readonly proofs: number;
}

/**
 * A log that every writer's own transaction fills, whether it knows or not, and the snapshots of proofs. What a proof
 * did not see, and was committed all the same under an older key, is what it must rule out.
 */
export async function installLog(on: Pick<PoolClient, 'query'>): Promise<void> {
  await on.query(`
    create table adversary_log (tenant uuid, key_number int, xid xid8, kind text);
    create table adversary_proofs (tenant uuid, key_number int, snapshot pg_snapshot);
    create function adversary_log() returns trigger language plpgsql as $$
    begin
      insert into adversary_log
        select w.tenant_id, w.key_number, pg_current_xact_id(), current_setting('application_name') from written w;
      return null;
    end $$;
    create function adversary_log_update() returns trigger language plpgsql as $$
    begin
      insert into adversary_log
        select w.tenant_id, w.key_number, pg_current_xact_id(), current_setting('application_name')
        from written w join replaced r on r.id = w.id where r.ciphertext <> w.ciphertext;
      return null;
    end $$;
    create trigger a_log_insert after insert on secrets referencing new table as written
      for each statement execute function adversary_log();
    create trigger a_log_update after update on secrets referencing old table as replaced new table as written
      for each statement execute function adversary_log_update();
  `);
}

/** Writes a proof's snapshot down, if this statement sees what a proof has to see. */
export async function writeProof(
  on: Pick<PoolClient, 'query'>,
  tenantId: string,
  early: boolean,
): Promise<void> {
  await on.query(
    `insert into adversary_proofs select d.tenant_id, d.key_number, pg_current_snapshot() from rekey.deks d
     where d.tenant_id = $1 and d.state = 'active' and (${early} or not exists (select from rekey.dek_locks l
       where l.tenant_id = d.tenant_id and l.closed_at is null and l.key_number <> d.key_number))`,
    [tenantId],
  );
}

export async function judge(on: Pick<PoolClient, 'query'>): Promise<Verdict> {
  const { rows: after } = await on.query<{ kind: string; writes: number }>(
    `select l.kind, count(*)::int as writes from adversary_log l
     where exists (select from adversary_proofs p where p.tenant = l.tenant and l.key_number < p.key_number
       and not pg_visible_in_snapshot(l.xid, p.snapshot))
     group by 1 order by 1`,
  );
  const { rows } = await on.query<{ writes: number; proofs: number }>(
    `select (select count(*) from adversary_log)::int as writes, (select count(*) from adversary_proofs)::int as proofs`,
  );
  return {
    committedAfterProof: Object.fromEntries(after.map(({ kind, writes }) => [kind, writes])),
    writes: rows[0]?.writes ?? 0,
    proofs: rows[0]?.proofs ?? 0,
  };
}
