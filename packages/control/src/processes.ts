import { type Queryable, rows } from '@rekey/db';

export interface UsageReport {
  readonly processId: string;
  readonly kind: ProcessKind;
  readonly host: string;
  readonly version: string;
  /** It opens nothing any more. */
  readonly ends: boolean;
  /** Nothing that it has opened is left to be told. */
  readonly toldAll: boolean;
  /** How long ago it first opened something with a DEK, and how long ago last. */
  readonly opened: readonly { readonly dekId: string; readonly sinceMs: number; readonly lastMs: number }[];
  /** How long ago it wrapped and unwrapped with a KEK. */
  readonly proved: readonly { readonly kekId: string; readonly ms: number }[];
  readonly latencies: Latencies;
}

export type ProcessKind = 'worker' | 'vault';
export type ProcessState = 'live' | 'silent' | 'ended';

/** In milliseconds, of one of its reports. */
export type Latencies = Readonly<
  Partial<
    Record<
      'open' | 'seal' | 'reencrypt',
      { readonly count: number; readonly p50: number; readonly p99: number }
    >
  >
>;

export async function reportUsage(on: Queryable, report: UsageReport): Promise<void> {
  const { opened, proved } = report;
  const reported = 'rekey.report_usage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)';
  // Together, so that none is in the register without having said that it is there.
  await rows(on, `select ${reported}, rekey.beat_process($1)`, [
    report.processId,
    report.kind,
    report.host,
    report.version,
    report.ends,
    report.toldAll,
    opened.map(({ dekId }) => dekId),
    opened.map(({ sinceMs }) => sinceMs),
    opened.map(({ lastMs }) => lastMs),
    proved.map(({ kekId }) => kekId),
    proved.map(({ ms }) => ms),
    JSON.stringify(report.latencies),
  ]);
}

/** Says that a process is there, between its reports. */
export async function beatProcess(on: Queryable, processId: string): Promise<void> {
  await rows(on, 'select rekey.beat_process($1)', [processId]);
}

/** Deletes some of those that nothing is judged by any more; how many. */
export async function forgetProcesses(on: Queryable): Promise<number> {
  const [found] = await rows<{ forgotten: number }>(on, 'select rekey.forget_processes() as forgotten');
  return found?.forgotten ?? 0;
}

/** A worker or a vault, as it last reported. */
export interface ProcessView {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly state: ProcessState;
  readonly databaseRole: string;
  readonly host: string;
  readonly version: string;
  readonly beganAt: Date;
  readonly heartbeatAt: Date;
  readonly toldAt: Date | null;
  readonly endedAt: Date | null;
  readonly keks: readonly { readonly kekId: string; readonly provedAt: string }[];
  /** Of all tenants, or of the one that was asked for. */
  readonly deks: number;
  readonly latencies: Latencies;
}

export interface ProcessFilter {
  readonly kind?: ProcessKind;
  readonly state?: ProcessState;
  /** Those that have opened something of this tenant's. */
  readonly tenantId?: string;
}

export interface ProcessPage {
  readonly processes: ProcessView[];
  /** Give it back as `after` for the page behind this one; null on the last. */
  readonly next: string | null;
}

/** Workers and vaults by their ids, so that a page goes on where the one before ended whatever they report meanwhile. */
export async function listProcesses(
  on: Queryable,
  { kind, state, tenantId }: ProcessFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<ProcessPage> {
  const found = await rows<ProcessRow>(
    on,
    `select p.id, p.kind, rekey.process_state(p.heartbeat_at, p.ended_at) as state, p.database_role, p.host, p.version,
       p.began_at, p.heartbeat_at, p.told_at, p.ended_at, p.latencies,
       coalesce((select jsonb_agg(jsonb_build_object('kekId', k.kek_id,
           'provedAt', to_char(k.proved_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by k.kek_id)
         from rekey.process_keks k where k.process_id = p.id), '[]') as keks,
       (select count(*) from rekey.process_deks o join rekey.deks d on d.id = o.dek_id
        where o.process_id = p.id and ($3::uuid is null or d.tenant_id = $3))::int as deks
     from rekey.processes p
     where ($1::text is null or p.kind = $1)
       and ($2::text is null or rekey.process_state(p.heartbeat_at, p.ended_at) = $2)
       and ($3::uuid is null or exists (select from rekey.process_deks o join rekey.deks d on d.id = o.dek_id
         where o.process_id = p.id and d.tenant_id = $3))
       and ($4::uuid is null or p.id > $4)
     order by p.id limit $5`,
    [kind ?? null, state ?? null, tenantId ?? null, after, limit + 1],
  );
  const page = found.slice(0, limit);
  return {
    processes: page.map((row) => ({
      id: row.id,
      kind: row.kind,
      state: row.state,
      databaseRole: row.database_role,
      host: row.host,
      version: row.version,
      beganAt: row.began_at,
      heartbeatAt: row.heartbeat_at,
      toldAt: row.told_at,
      endedAt: row.ended_at,
      keks: row.keks,
      deks: row.deks,
      latencies: row.latencies,
    })),
    next: found.length > limit ? (page.at(-1)?.id ?? null) : null,
  };
}

interface ProcessRow {
  readonly id: string;
  readonly kind: ProcessKind;
  readonly state: ProcessState;
  readonly database_role: string;
  readonly host: string;
  readonly version: string;
  readonly began_at: Date;
  readonly heartbeat_at: Date;
  readonly told_at: Date | null;
  readonly ended_at: Date | null;
  readonly keks: readonly { readonly kekId: string; readonly provedAt: string }[];
  readonly deks: number;
  readonly latencies: Latencies;
}
