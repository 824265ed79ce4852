import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { type Party, type PartyName, parties, type Random, type Stage, type Step } from './parties.ts';

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    integer,
    pick(of) {
      const picked = of[integer(of.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
  };
}

/** Five parties; any three of them meet in a schedule, the switch nearly always among them. */
export function castOf(random: Random): PartyName[] {
  const names: PartyName[] = random.integer(8) === 0 ? [] : ['switch'];
  while (names.length < 3) {
    const name = random.pick(Object.keys(parties) as PartyName[]);
    // Two writers may meet; of the others there is one each.
    if (!names.includes(name) || name === 'writer' || name === 'plainWriter') names.push(name);
  }
  return names;
}

const stuckMs = 5_000;

/** Plays the steps of the cast in an order of their own; those that wait for a lock are passed over until they are through. */
export async function play(
  stage: Stage,
  cast: readonly PartyName[],
  pool: Pool,
  random: Random,
): Promise<string[]> {
  const sessions = await Promise.all(cast.map(() => pool.connect()));
  const trace: string[] = [];
  try {
    const actors = cast.map((name, i) => {
      const session = sessions[i];
      if (session === undefined) throw new Error('a party without a session');
      return createActor(`${name}${i}`, parties[name], stage, session, random);
    });
    for (;;) {
      const ready = actors.filter((actor) => actor.hasNext() && !actor.isWaiting());
      if (ready.length === 0) {
        const waiting = actors.filter((actor) => actor.isWaiting());
        if (waiting.length === 0) break;
        await Promise.race([...waiting.map((actor) => actor.settled()), sleep(stuckMs, 'stuck')]).then(
          (outcome) => {
            if (outcome === 'stuck') throw new Error(`stuck: ${trace.join(' ')}`);
          },
        );
        continue;
      }
      const actor = random.pick(ready);
      trace.push(await actor.step(pool));
    }
    return trace;
  } finally {
    for (const session of sessions) {
      await session.query('rollback').catch(() => {});
      session.release();
    }
  }
}

function createActor(name: string, party: Party, stage: Stage, session: PoolClient, random: Random) {
  const steps: Step[] = party(stage, session, random);
  const pid = 'processID' in session ? session.processID : undefined;
  let at = 0;
  let underWay: Promise<void> | undefined;
  return {
    hasNext: () => at < steps.length,
    isWaiting: () => underWay !== undefined,
    settled: () => underWay ?? Promise.resolve(),
    /** Sends the next step; done, or seen to wait for a lock. */
    async step(watcher: Pool): Promise<string> {
      const step = steps[at];
      at += 1;
      if (step === undefined) throw new Error('a party without a next step');
      const running = step().finally(() => {
        underWay = undefined;
      });
      running.catch(() => {}); // awaited below, or by whoever waits for it
      underWay = running;
      for (;;) {
        const outcome = await Promise.race([running.then(() => 'done'), sleep(8, 'late')]);
        if (outcome === 'done') return `${name}.${at}`;
        // Twice: who waits for a statement under way, or for a file to grow, has gone on by then, however slow the machine.
        if ((await waits(watcher, pid)) && (await sleep(20).then(() => waits(watcher, pid))))
          return `${name}.${at}⏳`;
      }
    },
  };
}

/** For a party that stands between two of its steps, or for one that waits itself; not for a statement under way. */
async function waits(watcher: Pool, pid: unknown): Promise<boolean> {
  const { rowCount } = await watcher.query(
    `select from pg_stat_activity a join pg_stat_activity b on b.pid = any (pg_blocking_pids(a.pid))
     where a.pid = $1 and a.wait_event_type = 'Lock' and a.wait_event <> 'extend'
       and (b.state = 'idle in transaction' or b.wait_event_type = 'Lock')`,
    [pid],
  );
  return rowCount !== 0;
}
