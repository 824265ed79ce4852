import { setTimeout as sleep } from 'node:timers/promises';
import { cancelRotation, drainOlder, switchDek } from '@rekey/control';
import { readyToSwitch } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import type { Arena } from './adversary.ts';
import { writeProof } from './log.ts';
import { hold } from './statements.ts';

export interface Switches {
  all: number;
  /** Nobody held the older DEK in the moment of the switch. */
  drainedAtOnce: number;
  drainedLater: number;
}

/** From that many seals under a DEK on the next one has eight locks. */
const busySeals = 100_000;
const triesOfTheImpatient = 4;

/** Rotates the tenant as far as to the proof, and counts; half of the time it gives the drain up and switches again. */
export async function switchAgainAndAgain(arena: Arena, tenantId: string): Promise<void> {
  const { core, options, going, switches: seen } = arena;
  const { store } = core;
  const random = arena.random.fork(tenantId);
  while (going()) {
    const order = await readyToSwitch(core, tenantId);
    if (options.slots === 8)
      await store.query('insert into rekey.dek_seals (dek_id, seals) values ($1, $2)', [
        order.previousDekId,
        busySeals,
      ]);
    const switched = await switchDek(store, order);
    if (switched === 'not_ours') throw new Error('somebody else rotates a tenant of this run');
    seen.all += 1;
    let drained = switched === 'drained';
    if (drained) seen.drainedAtOnce += 1;
    const impatient = random.chance(0.5);
    for (let tries = 0; !drained && going(); tries += 1) {
      if (impatient && tries === triesOfTheImpatient) break;
      drained = await drainOlder(store, tenantId);
      if (drained) seen.drainedLater += 1;
      else await sleep(Math.min(50, 2 ** tries));
    }
    await writeProof(store, tenantId, options.provesEarly === true);
    if (random.chance(0.5)) await sweepSome(arena, tenantId);
    await cancelRotation(store, order.rotationId);
    await sleep(5 + random.next() * 20);
  }
}

/** What a batch does to the writers: locks some of their records, and puts others in their place. */
async function sweepSome({ pool }: Arena, tenantId: string): Promise<void> {
  const session = await pool.connect();
  try {
    await session.query(`begin; set local lock_timeout = '50ms'`);
    const keyNumber = await hold(session, tenantId);
    const failed = await sqlState(
      session.query(
        `update secrets s set key_number = $2, ciphertext = '\\x01'::bytea || int4send($2) || substring(ciphertext from 6)
         where id in (select id from secrets where tenant_id = $1 and key_number < $2 limit 20 for update skip locked)`,
        [tenantId, keyNumber],
      ),
    );
    // A record that is locked is left for later, as the sweep does it.
    if (failed !== undefined && failed !== '55P03') throw new Error(`a batch failed: ${failed}`);
    await session.query(failed === undefined ? 'commit' : 'rollback');
  } finally {
    session.release();
  }
}
