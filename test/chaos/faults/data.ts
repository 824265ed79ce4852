import { VaultError } from '@rekey/vault';
import { bytesOf, flipBit, pastTheTriggers } from '../../harness/damage.ts';
import { type ChaosRecord, valueAt } from '../clients/records.ts';
import { type Fault, type FaultTools, seenIf } from './fault.ts';
import { must } from './must.ts';
import { awaitRotation, eventually, type LeftAsItIs } from './set-aside.ts';

/** What becomes of the ciphertexts of two records of one tenant and table. */
type Change = (first: Buffer, second: Buffer) => readonly [Buffer, Buffer?];

/**
 * Damages records past every trigger. The next rotation from its start has to set exactly these aside and leave their
 * bytes as they are; then the application writes them anew.
 */
const damage =
  (change: Change): Fault =>
  async (tools) => {
    const { random, tenants } = tools;
    const tenant = random.pick(tenants.filter(({ victims }) => victims.length > 1));
    // A ciphertext is bound to its table too, so two of one table are the harder case.
    const [first, second] = random.shuffled(tenant.victims.filter(({ target }) => target === 'credentials'));
    if (first === undefined || second === undefined) return seenIf(false, 'no two victims in one table');
    tools.held.add(tenant.tenantId);
    // An attempt whose commit was not answered may have happened; a second change on top might undo the first.
    let unsure = false;
    const planted = await eventually(tools, async () => {
      if (unsure) await writeAnew(tools, [first, second]);
      unsure = true;
      const done = await overwrite(tools, first, second, change);
      unsure = false;
      return done;
    });
    tools.held.delete(tenant.tenantId);
    if (planted === null) {
      if (unsure) await eventually(tools, () => writeAnew(tools, [first, second]));
      return seenIf(false, 'no moment without a rotation came');
    }
    const { damaged, at } = planted;
    try {
      const unreadable = await eventually(tools, async () => {
        for (const { record } of damaged) if (!(await failsToOpen(tools, record))) return false;
        return true;
      });
      const judged = await awaitRotation(tools, tenant.tenantId, damaged, at);
      return seenIf(unreadable === true, `${damaged.length} of ${first.target}; ${judged}`);
    } finally {
      // Whatever became of the judging, what the harness damaged is not to be taken for a loss.
      await eventually(tools, () => writeAnew(tools, [first, second]));
    }
  };

async function writeAnew({ world }: FaultTools, records: readonly ChaosRecord[]): Promise<true> {
  for (const { target, tenantId, id, index } of records)
    await world.apps[0].vault.put({ target, tenantId, id, value: valueAt(index, 0) });
  return true;
}

/**
 * Overwrites them while the tenant has no unfinished rotation, and keeps one from beginning meanwhile; null when it has
 * one. A sweep that had read a good value just before would put it back, re-encrypted, and rightly so: it compares the
 * version, key number and IV of what it read, and those of damaged bytes may be the same.
 */
async function overwrite(
  { world }: FaultTools,
  first: ChaosRecord,
  second: ChaosRecord,
  change: Change,
): Promise<{ damaged: LeftAsItIs[]; at: Date } | null> {
  let planted: { damaged: LeftAsItIs[]; at: Date } | null = null;
  await pastTheTriggers(world.pool, async (tx) => {
    await tx.query('select from rekey.tenants where id = $1 for no key update', [first.tenantId]);
    const { rows } = await tx.query<{ at: Date; free: boolean }>(
      `select clock_timestamp() as at, not exists (
         select from rekey.rotations where tenant_id = $1 and completed_at is null) as free`,
      [first.tenantId],
    );
    const [now] = rows;
    if (now?.free !== true) return;
    const [newA, newB] = change(
      await bytesOf(tx, first.target, first.id),
      await bytesOf(tx, second.target, second.id),
    );
    const damaged = [{ record: first, bytes: newA }];
    if (newB !== undefined) damaged.push({ record: second, bytes: newB });
    for (const { record, bytes: ciphertext } of damaged) {
      await tx.query(`update ${record.target} set ciphertext = $2, key_number = $3 where id = $1`, [
        record.id,
        ciphertext,
        ciphertext.readUInt32BE(1),
      ]);
    }
    planted = { damaged, at: now.at };
  });
  return planted;
}

async function failsToOpen({ world }: FaultTools, { target, tenantId, id }: ChaosRecord): Promise<boolean> {
  try {
    await world.apps[1].vault.get({ target, tenantId, id });
    return false;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'UNREADABLE') return true;
    throw error;
  }
}

/** A trigger of the application's refuses every update of one record: it has to be named and left, and the others go on. */
const refused: Fault = async (tools) => {
  const { random, tenants, world } = tools;
  const { victims } = random.pick(tenants.filter(({ victims }) => victims.length > 0));
  const record = random.pick(victims);
  const { target, tenantId, id } = record;
  const name = `chaos_${random.integer(1, 1_000_000)}`;
  const drop = `drop trigger if exists ${name} on ${target}; drop function if exists ${name}()`;
  try {
    await must(
      tools,
      `${drop};
       create function ${name}() returns trigger language plpgsql as $$ begin raise exception 'it is archived'; end $$;
       create trigger ${name} before update on ${target} for each row when (old.id = '${id}') execute function ${name}()`,
    );
    const planted = await eventually(tools, async () => {
      const { rows } = await world.pool.query<{ at: Date }>('select clock_timestamp() as at');
      const bytes = await bytesOf(world.pool, target, id);
      return rows[0] === undefined ? null : { at: rows[0].at, bytes };
    });
    if (planted === null) return seenIf(false, 'Postgres was away for too long');
    const judged = await awaitRotation(tools, tenantId, [{ record, bytes: planted.bytes }], planted.at);
    return seenIf(judged.startsWith('set aside'), `one of ${target}; ${judged}`);
  } finally {
    await must(tools, drop);
  }
};

export const dataFaults = {
  'record-refused-by-a-trigger': refused,
  'ciphertext-damaged': damage((first) => [flipBit(first, first.length - 3)]),
  'ciphertext-swapped': damage((first, second) => [second, first]),
  'ciphertext-truncated': damage((first) => [first.subarray(0, 24)]),
} as const satisfies Record<string, Fault>;
