import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world/world.ts';

const everyMs = 300;

interface Waiting {
  readonly id: string;
  readonly tenant_id: string | null;
  readonly reason: string;
  readonly what: string | null;
}

/** Writes down when a rotation or a rewrap begins to wait for a KMS, and what it says of it. */
export async function kmsWaits(
  { pool, history, keks }: Pick<World, 'pool' | 'history' | 'keks'>,
  signal: AbortSignal,
): Promise<void> {
  // Errors name some by what stands behind the scheme. The longest first: one id may be the beginning of another.
  const keksByWords = keks.held
    .map(({ id }) => ({ id, words: id.replace(/^[a-z0-9-]+:/, '') }))
    .sort((a, b) => b.words.length - a.words.length);
  let before = new Set<string>();
  while (!signal.aborted) {
    const rows = await pool
      .query<Waiting>(
        `select 'rot-' || id as id, tenant_id, waiting_for as reason, waiting_detail ->> 'what' as what from rekey.rotations
           where completed_at is null and waiting_for in ('kms', 'kek_suspended')
         union all
         select 'rewrap-' || id, tenant_id, waiting_for, waiting_detail ->> 'what' from rekey.rewraps
           where completed_at is null and waiting_for in ('kms', 'kek_suspended')`,
      )
      .then(
        (answer) => answer.rows,
        () => null, // Postgres is away: nothing begins to wait
      );
    if (rows !== null) {
      const now = new Set<string>();
      for (const { id, tenant_id: tenant, reason, what } of rows) {
        const key = `${id} ${reason} ${what}`;
        now.add(key);
        if (before.has(key)) continue;
        const kek = keksByWords.find(({ words }) => what?.includes(words))?.id ?? null;
        history.add({ t: 'waiting', at: history.now(), id, tenant, reason, kek });
      }
      before = now;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}
