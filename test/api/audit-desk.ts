import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@rekey/db';
import { auditVerify, readCheckpoints, type SignedCheckpoint, signerOf } from '@rekey/evidence';
import { createLogger } from '@rekey/runtime';
import { createKeepLog } from '@rekey/worker';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { bearer, emptyTenant, type LiveApi, liveApi } from './live-api.ts';

/** Of all tenants together; 100,000 take some minutes. */
const events = Number(process.env.AUDIT_EVENTS ?? 3_200);
/** Of each of four tenants, in each of four rounds. */
export const perRound = Math.ceil(events / 16);
/** Of a tenant that are under a checkpoint: the first is that it was made. */
export const covered = 4 * perRound + 1;

/** Four tenants with some thousand events in the log, two checkpoints held outside, and a few events that are newer. */
export interface AuditDesk {
  readonly api: LiveApi;
  /** One connection of the owner of the schema, a superuser at that: no right stands in the way of what is tried. */
  readonly pool: ReturnType<LiveApi['database']['pool']>;
  readonly keepLog: ReturnType<typeof createKeepLog>;
  /** What the keeper of the log logged. */
  readonly log: string[];
  /** A file in the folder of the test: `checkpoints` as the worker has it, `held` as it was, `key.pem`, `stranger.pem`. */
  at(name: string): string;
  readonly tenants: readonly string[];
  readonly tenant: string;
  record(chain: string, kind: string, count: number): Promise<void>;
  readonly held: readonly SignedCheckpoint[];
  /** Of the latest that is held. */
  readonly size: number;
  readonly newer: number;
  /** Queries, for that checkpoint. */
  readonly exports: Readonly<Record<'everything' | 'chain' | 'filtered', string>>;
  /** The file with the export. */
  fetchInto(query: string, accept?: string): Promise<string>;
  verify(...args: string[]): Promise<{ code: number; text: string }>;
  /** The arguments for what is held. */
  readonly outside: readonly string[];
}

/**
 * @param options.years so long ago all that is held was recorded
 * @param options.begin what is recorded before anything else
 */
export async function auditDesk({
  years = 0,
  begin,
}: {
  years?: number;
  begin?: (api: LiveApi, pool: AuditDesk['pool']) => Promise<void>;
} = {}): Promise<AuditDesk> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-audit-'));
  thisFile.after(() => rm(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(at('key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const stranger = generateKeyPairSync('ed25519');
  await writeFile(at('stranger.pem'), stranger.publicKey.export({ type: 'spki', format: 'pem' }));

  const api = await liveApi();
  const pool = api.database.pool({ max: 1 });
  const stopAgeing = years > 0 ? await age(pool, years) : null;
  await begin?.(api, pool);
  const store = openStore({ ...patient, url: api.database.url, onError: () => {} });
  thisFile.after(() => store.end());
  const log: string[] = [];
  const keepLog = createKeepLog({
    store,
    signer: async () => signerOf(privateKey),
    file: at('checkpoints'),
    logger: createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) }),
  });

  const tenants: string[] = [];
  for (let n = 0; n < 4; n += 1) tenants.push(await emptyTenant(api.database));
  const [tenant = ''] = tenants;
  /** By transactions of a few: a chain's head that changes very often in one is slow to find. */
  const record = async (chain: string, kind: string, count: number): Promise<void> => {
    for (let done = 0; done < count; done += 50)
      await pool.query(
        `select rekey.append_event($1, $2, null, jsonb_build_object('n', n)) from generate_series(1, $3) n`,
        [chain, kind, Math.min(50, count - done)],
      );
  };
  for (let round = 0; round < 4; round += 1) {
    for (const chain of tenants) await record(chain, round === 1 ? 'test.second' : 'test.event', perRound);
    // It appends so many at a time.
    // Nothing that is years old is found by having been recorded lately.
    for (let left = 4 * perRound; left > 0; left -= 40_000) await keepLog.append(round > 1 || years > 0);
    if (round === 1) await keepLog.checkpoint();
  }
  await keepLog.checkpoint();
  await copyFile(at('checkpoints'), at('held'));
  const held = readCheckpoints(await readFile(at('held'), 'utf8'));
  await stopAgeing?.();
  const newer = 7;
  await record(tenant, 'test.newer', newer);
  await keepLog.append(true);

  const size = held.at(-1)?.size ?? 0;
  const exports = {
    everything: '',
    chain: `?tenantId=${tenant}&checkpoint=${size}`,
    filtered: `?tenantId=${tenant}&checkpoint=${size}&kind=test.second`,
  } as const;
  let files = 0;
  const fetchInto = async (query: string, accept = 'application/jsonl'): Promise<string> => {
    const answer = await api.send({
      path: `/api/v1/admin/audit/export${query}`,
      headers: { ...bearer(), accept },
    });
    assert.equal(answer.status, 200, answer.text);
    files += 1;
    await writeFile(at(`export-${files}`), answer.text);
    return at(`export-${files}`);
  };
  const verify = async (...args: string[]): Promise<{ code: number; text: string }> => {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    const code = await auditVerify(args, io);
    return { code, text: lines.join('\n') };
  };
  const outside = ['--checkpoint', at('held'), '--key', at('key.pem')];

  return {
    api,
    pool,
    keepLog,
    log,
    at,
    tenants,
    tenant,
    record,
    held,
    size,
    newer,
    exports,
    fetchInto,
    verify,
    outside,
  };
}

/** Has everything recorded as if it were so many years ago, from the first event on, until the function that it answers is called. */
async function age(pool: AuditDesk['pool'], years: number): Promise<() => Promise<void>> {
  const ago = `interval '${years} years'`;
  const asOwner = (sql: string) =>
    pool.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
  const { rows } = await pool.query<{ text: string }>(
    `select pg_get_functiondef('rekey.append_event'::regproc) as text`,
  );
  const text = rows[0]?.text ?? '';
  const aged = text.replace('event.at := clock_timestamp()', `event.at := clock_timestamp() - ${ago}`);
  assert.notEqual(aged, text);
  await asOwner(`do $$ declare e rekey.events; before bytea; begin
    for e in select * from rekey.events order by chain, sequence loop
      before := case e.sequence when 1 then decode(repeat('00', 32), 'hex') else before end;
      e.at := e.at - ${ago};
      e.previous := before;
      e.hash := rekey.event_hash(e);
      before := e.hash;
      update rekey.events o set at = e.at, previous = e.previous, hash = e.hash
        where (o.chain, o.sequence) = (e.chain, e.sequence);
      update rekey.event_chains c set hash = e.hash where c.chain = e.chain;
    end loop;
  end $$`);
  await pool.query(aged);
  return async () => {
    await pool.query(text);
    await asOwner(`update rekey.log_checkpoints set made_at = made_at - ${ago}`);
  };
}
