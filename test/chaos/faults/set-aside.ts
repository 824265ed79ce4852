import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf } from '../../harness/damage.ts';
import type { ChaosRecord } from '../clients/records.ts';
import type { FaultTools } from './fault.ts';

/** A record that rotations have to name and leave, with the bytes that it has to keep. */
export interface LeftAsItIs {
  readonly record: ChaosRecord;
  readonly bytes: Buffer;
}

const patienceMs = 25_000;

/** What the first rotation that began after the damage and was not cancelled made of it. */
export async function awaitRotation(
  tools: FaultTools,
  tenantId: string,
  damaged: readonly LeftAsItIs[],
  since: Date,
): Promise<string> {
  const { world } = tools;
  const ended = await eventually(
    tools,
    async () => {
      const { rows } = await world.pool.query<{ id: string; status: string }>(
        `select id, status from rekey.rotations
       where tenant_id = $1 and started_at > $2 and status like 'completed%' order by completed_at limit 1`,
        [tenantId, since],
      );
      return rows[0] ?? null;
    },
    'while faults last',
  );
  if (ended === null) return 'no rotation completed in time';
  // Postgres may be away in between.
  const found = await eventually(tools, async () => {
    const { rows } = await world.pool.query<{ record_id: string }>(
      'select record_id from rekey.rotation_failures where rotation_id = $1',
      [ended.id],
    );
    const now = await Promise.all(damaged.map(({ record }) => bytesOf(world.pool, record.target, record.id)));
    return { setAside: rows.map((row) => row.record_id).sort(), now };
  });
  if (found === null) return `Postgres was away for too long after ${ended.id}`;
  const { setAside, now } = found;
  const expected = damaged.map(({ record }) => record.id).sort();
  if (ended.status !== 'completed_with_failures' || setAside.join() !== expected.join())
    world.history.violation(
      'set aside',
      `rotation ${ended.id} ended ${ended.status} with ${setAside.length} set aside instead of ${expected.length}`,
    );
  damaged.forEach(({ record, bytes }, i) => {
    if (now[i]?.equals(bytes) !== true)
      world.history.violation('set aside', `damaged ${record.target}/${record.id} was overwritten`);
  });
  return `set aside by ${ended.id}`;
}

/** Tries until there is an answer; Postgres may be restarting meanwhile. What has to be done is done after the faults too. */
export async function eventually<T>(
  { signal }: FaultTools,
  work: () => Promise<T | null>,
  needed: 'in the end' | 'while faults last' = 'in the end',
): Promise<T | null> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline && (needed === 'in the end' || !signal.aborted)) {
    const answer = await work().catch(() => null);
    if (answer !== null) return answer;
    await sleep(100);
  }
  return null;
}
