import assert from 'node:assert/strict';
import { cutEvents } from '@rekey/control';
import { openStore } from '@rekey/db';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { type AuditDesk, auditDesk } from './audit-desk.ts';
import { seededTenant } from './live-api.ts';

type Role = ReturnType<typeof openStore>;

/** An audit of which all that is held was recorded three years ago, and who may or may not cut it. */
export interface CutDesk extends AuditDesk {
  readonly worker: Role;
  readonly operator: Role;
  readonly apiRole: Role;
  /** The destruction of this key somebody cancelled, long ago. */
  readonly cancelledKey: string;
  /** Of the older checkpoint that is held. */
  readonly firstSize: number;
  /** The arguments for what the worker wrote until now. */
  readonly now: readonly string[];
  /** Past every guard, as whoever owns the schema can. */
  asOwner(sql: string): Promise<void>;
  /** Nothing is wrong with the chains, as far as the database knows. */
  isSound(): Promise<void>;
  /** Two workers at once, until there is nothing to cut: how many leaves were cut. */
  cutAll(): Promise<number>;
  /** By the owner of the schema, who may. */
  setYears(years: number, on?: Role): Promise<unknown>;
  checkpointNow(): Promise<void>;
}

export async function cutDesk(): Promise<CutDesk> {
  let cancelledKey = '';
  const desk = await auditDesk({
    years: 3,
    async begin({ database }, pool) {
      const { tenantId, dekId } = await seededTenant(database);
      cancelledKey = dekId;
      await pool.query(
        `select rekey.append_event($1, 'key.destruction_cancelled', null, jsonb_build_object('keyId', $2::uuid))`,
        [tenantId, dekId],
      );
    },
  });
  const { api, at, held, keepLog, pool } = desk;
  const storeOf = (url: string): Role => {
    const store = openStore({ ...patient, url, onError: () => {} });
    thisFile.after(() => store.end());
    return store;
  };
  const as = (role: 'worker' | 'operator' | 'api'): Role => storeOf(asRole(api.database.url, role));
  const [owner, worker] = [storeOf(api.database.url), as('worker')];
  return {
    ...desk,
    worker,
    operator: as('operator'),
    apiRole: as('api'),
    cancelledKey,
    firstSize: held[0]?.size ?? 0,
    now: ['--checkpoint', at('checkpoints'), '--key', at('key.pem')],
    async asOwner(sql) {
      await pool.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
    },
    async isSound() {
      assert.deepEqual((await pool.query('select * from rekey.verify_events()')).rows, []);
    },
    async cutAll() {
      for (let all = 0; ; ) {
        const cut = await Promise.all([cutEvents(worker, 100), cutEvents(worker, 100)]);
        const more = cut.reduce((sum, one) => sum + one, 0);
        if (more === 0) return all;
        all += more;
      }
    },
    setYears: (years, on = owner) =>
      on.query(`select rekey.change_setting('audit_retention_years', $1)`, [years]),
    async checkpointNow() {
      await keepLog.append(true);
      await keepLog.checkpoint();
    },
  };
}
