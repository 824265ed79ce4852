import { setTimeout as sleep } from 'node:timers/promises';
import { loadDeks } from '@rekey/control';
import type { Queryable, Store } from '@rekey/db';
import { createRecordCipher, recordIdBytes } from '@rekey/envelope';
import { createKeyring, type Dek } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import type { PoolClient } from 'pg';
import type { History } from '../history.ts';
import type { Random } from '../random.ts';
import { type Client, reasonOf } from './readers.ts';
import { type ChaosRecord, valueAt } from './records.ts';
import type { Turnstile } from './turnstile.ts';

interface StaleTools {
  readonly store: Store;
  /** Sees the locks, which an application's role does not. */
  readonly checker: Queryable;
  readonly turnstile: Turnstile;
  readonly keks: Keks;
  readonly history: History;
  readonly random: Random;
}

/** After so many refusals it looks up which DEK is active now. */
const refusalsMax = 4;

/**
 * A writer without our library: it seals under the DEK it once looked up, long after the switch, some of the time in a
 * transaction that it began before. What the fence lets through must be under a DEK that is active or still drains.
 */
export function staleWriter(tools: StaleTools, records: readonly ChaosRecord[]): Client {
  const { store, keks, random, turnstile } = tools;
  const keyring = createKeyring({ store, keks });
  const held = new Map<string, { dek: Dek; refusals: number }>();

  const keyOf = async (tenantId: string): Promise<Dek | null> => {
    const known = held.get(tenantId);
    if (known !== undefined && known.refusals < refusalsMax) return known.dek;
    const [active] = await loadDeks(store, tenantId, { state: 'active' });
    const dek = active === undefined ? null : await keyring.byNumber(tenantId, active.keyNumber);
    if (dek !== null) held.set(tenantId, { dek, refusals: 0 });
    return dek;
  };

  return async (signal) => {
    while (!signal.aborted) {
      await sleep(20 + random.next() * 120);
      const record = random.pick(records);
      const dek = await keyOf(record.tenantId).catch(() => null);
      const client = dek === null ? null : await store.connect().catch(() => null);
      if (dek === null || client === null) continue;
      const inside = turnstile.enter();
      let broken = false;
      const onDeath = (): void => {
        broken = true;
      };
      client.on('error', onDeath);
      try {
        if (inside === null) continue;
        const accepted = await writeUnder(tools, client, record, dek);
        const known = held.get(record.tenantId);
        if (accepted === 'refused' && known !== undefined) known.refusals += 1;
      } catch {
        broken = true;
      } finally {
        client.off('error', onDeath);
        client.release(broken);
        inside?.leave();
      }
    }
  };
}

async function writeUnder(
  { history, random, checker }: StaleTools,
  client: PoolClient,
  record: ChaosRecord,
  dek: Dek,
): Promise<'accepted' | 'refused'> {
  const { index, tenantId, target, id } = record;
  await client.query(`begin isolation level ${random.chance(0.3) ? 'repeatable read' : 'read committed'}`);
  await client.query('select 1 from rekey.tenants limit 1');
  if (random.chance(0.3)) await sleep(random.integer(50, 1_500));
  record.version += 1;
  const n = record.version;
  const cipher = createRecordCipher({ tenantId, column: `${target}.ciphertext` });
  const sealed = cipher.seal(dek.key, dek.keyNumber, recordIdBytes('uuid', id), valueAt(index, n));
  history.add({ t: 'write', r: index, n, b: history.now(), by: 'stale' });
  let sent = false;
  try {
    await client.query(`update ${target} set key_number = $2, ciphertext = $3 where id = $1`, [
      id,
      dek.keyNumber,
      sealed,
    ]);
    // It holds one until its end: under a DEK whose locks are all closed nothing may be written any more.
    const { rowCount } = await checker.query(
      'select from rekey.dek_locks where tenant_id = $1 and key_number = $2 and closed_at is null limit 1',
      [tenantId, dek.keyNumber],
    );
    if (rowCount !== 1) {
      history.violation(
        'fence',
        `record ${index} was written under key ${dek.keyNumber} of ${tenantId} which is closed`,
      );
    }
    sent = true;
    const { command } = await client.query('commit');
    history.add({ t: 'wrote', r: index, n, e: history.now(), o: command === 'COMMIT' ? 'ok' : 'fail' });
    return 'accepted';
  } catch (error) {
    history.add({
      t: 'wrote',
      r: index,
      n,
      e: history.now(),
      o: sent ? 'info' : 'fail',
      why: reasonOf(error),
    });
    await client.query('rollback');
    return /^(RK001|40001)/.test(reasonOf(error)) || reasonOf(error).startsWith('FENCED')
      ? 'refused'
      : 'accepted';
  }
}
