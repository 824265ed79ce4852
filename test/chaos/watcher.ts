import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosTenant } from './clients/records.ts';
import type { World } from './world/world.ts';

const everyMs = 700;
const ivsEvery = 6;
/** Of one run; a map entry is about 150 bytes. */
const ivsMax = 2_000_000;

/** What the watcher saw, for the report. */
export interface Watched {
  looks: number;
  /** Different (DEK, IV) pairs seen. */
  ivs: number;
}

/** Looks at the database again and again for what must never be there, not even for a moment. */
export function watcher(
  { pool, history }: Pick<World, 'pool' | 'history'>,
  tenants: readonly ChaosTenant[],
): { watched: Watched; watch: (signal: AbortSignal) => Promise<void> } {
  const watched: Watched = { looks: 0, ivs: 0 };
  const finished = new Map<string, string>();
  const ivs = new Map<string, string>();
  const damaged = new Set(tenants.flatMap(({ victims }) => victims.map(({ id }) => id)));

  const lookAtRotations = async (): Promise<void> => {
    const { rows } = await pool.query<{ id: string; tenant_id: string; unfinished: boolean; row: string }>(
      `select id, tenant_id, completed_at is null as unfinished, md5(r::text) as row from rekey.rotations r`,
    );
    const running = new Set<string>();
    for (const { id, tenant_id: tenant, unfinished, row } of rows) {
      if (unfinished && running.has(tenant))
        history.violation('one at a time', `tenant ${tenant} has two unfinished rotations, one is ${id}`);
      if (unfinished) running.add(tenant);
      const before = finished.get(id);
      if (before !== undefined && before !== row)
        history.violation('finished for good', `rotation ${id} changed after its end`);
      if (!unfinished) finished.set(id, row);
    }
  };

  const lookAtRewraps = async (): Promise<void> => {
    const { rows } = await pool.query<{ id: string; row: string }>(
      'select id, md5(r::text) as row from rekey.rewraps r where completed_at is not null',
    );
    for (const { id, row } of rows) {
      if ((finished.get(id) ?? row) !== row)
        history.violation('finished for good', `rewrap ${id} changed after its end`);
      finished.set(id, row);
    }
  };

  const lookAtKeys = async (): Promise<void> => {
    const { rows } = await pool.query<{ tenant_id: string; active: string }>(
      `select tenant_id, count(*) filter (where state = 'active') as active from rekey.deks group by 1`,
    );
    for (const { tenant_id: tenant, active } of rows) {
      if (active !== '1') history.violation('one active key', `tenant ${tenant} has ${active} active DEKs`);
    }
  };

  const lookAtIvs = async (): Promise<void> => {
    for (const table of ['credentials', 'api_keys', 'secrets']) {
      const { rows } = await pool.query<{ id: string; pair: Buffer; bytes: string }>(
        `select id, decode(replace(tenant_id::text, '-', ''), 'hex') || substring(ciphertext from 2 for 16) as pair,
           md5(ciphertext) as bytes from ${table}`,
      );
      for (const { id, pair, bytes } of rows) {
        if (damaged.has(id)) continue;
        const key = pair.toString('latin1');
        const what = `${id}/${bytes}`;
        const before = ivs.get(key);
        if (before !== undefined && before !== what)
          history.violation('unique IVs', `${table}/${id} has a DEK and an IV that were used before`);
        if (before === undefined && ivs.size < ivsMax) ivs.set(key, what);
      }
      watched.ivs = ivs.size;
    }
  };

  return {
    watched,
    async watch(signal) {
      while (!signal.aborted) {
        try {
          await lookAtRotations();
          await lookAtRewraps();
          await lookAtKeys();
          if (watched.looks % ivsEvery === 0) await lookAtIvs();
          watched.looks += 1;
        } catch {
          // Postgres is restarting; the next look is as good.
        }
        await sleep(everyMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}
