import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createRandom, type Random } from '../chaos/random.ts';
import type { TestDatabase } from '../harness/database.ts';
import { type Core, rotationCore } from '../harness/rotation.ts';
import { type Kind, kinds } from './kinds.ts';
import { installLog, judge, type Verdict } from './log.ts';
import { type Switches, switchAgainAndAgain } from './switcher.ts';

export interface AdversaryOptions {
  /** Migrated, of its own, as a superuser. */
  readonly database: TestDatabase;
  readonly seconds: number;
  /** What the run is to have met: on a slow machine it goes on for it, up to a minute and a half. */
  readonly shows?: (report: AdversaryReport) => boolean;
  /** How many rows writers of a DEK lock: a quiet tenant's DEKs have one, a busy tenant's eight. */
  readonly slots: 1 | 8;
  readonly seed: number;
  /** As a Rekey would that does not wait for the drain. */
  readonly provesEarly?: boolean;
}

export interface AdversaryReport extends Verdict {
  readonly switches: Readonly<Switches>;
  /** How often each kind of writer committed, and what it met. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Errors that a kind may not get: a holder that was refused, a deadlock, anything unheard of. */
  readonly unexpected: readonly string[];
}

/** What takes part of a run knows of it. */
export interface Arena {
  readonly pool: Pool;
  readonly tenants: readonly string[];
  readonly random: Random;
  readonly core: Core;
  readonly options: AdversaryOptions;
  /** Of all tenants together, as they happen. */
  readonly switches: Switches;
  going(): boolean;
}

const tenantCount = 3;
const secondsMost = 90;
const lookEveryMs = 1_000;

/** Writers of every kind against switches that never stop; the proofs are compared with what was committed. */
export async function runAdversary(options: AdversaryOptions): Promise<AdversaryReport> {
  const closers: Array<() => Promise<unknown>> = [];
  const owner = { after: (close: () => Promise<void>): void => void closers.push(close) };
  try {
    const core = await rotationCore(owner, options.database);
    const tenants = await Promise.all(Array.from({ length: tenantCount }, () => core.createTenant()));
    const pool = options.database.pool({ max: 40 });
    await installLog(pool);
    let going = true;
    const arena: Arena = {
      pool,
      tenants,
      random: createRandom(options.seed),
      core,
      options,
      switches: { all: 0, drainedAtOnce: 0, drainedLater: 0 },
      going: () => going,
    };
    const outcomes = new Map<string, Map<string, number>>();
    const unexpected: string[] = [];
    const soFar = async (): Promise<AdversaryReport> => ({
      ...(await judge(pool)),
      switches: arena.switches,
      outcomes,
      unexpected,
    });
    const watch = async (): Promise<void> => {
      const { seconds, shows } = options;
      const beganMs = performance.now();
      await sleep(seconds * 1_000);
      while (performance.now() - beganMs < secondsMost * 1_000 && shows?.(await soFar()) === false)
        await sleep(lookEveryMs);
    };
    await Promise.all([
      watch().finally(() => {
        going = false;
      }),
      ...tenants.map((tenantId) => switchAgainAndAgain(arena, tenantId)),
      ...Object.entries(kinds).map(([name, kind]) => write(arena, name, kind, outcomes, unexpected)),
    ]);
    return await soFar();
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function write(
  arena: Arena,
  name: string,
  { isolation, mayGet, work }: Kind,
  outcomes: Map<string, Map<string, number>>,
  unexpected: string[],
): Promise<void> {
  const { pool, tenants, going } = arena;
  const random = arena.random.fork(name);
  const session = await pool.connect();
  const met = (what: string): void => {
    const mine = outcomes.get(name) ?? new Map<string, number>();
    outcomes.set(name, mine.set(what, (mine.get(what) ?? 0) + 1));
  };
  const ids = Array.from({ length: 20 }, () => randomUUID());
  let next = 0;
  const writer = {
    session,
    tenantId: random.pick(tenants),
    tenants,
    random,
    nextId: () => ids[next++ % ids.length] ?? '',
    staleKey: undefined,
    met,
  };
  try {
    await session.query(`select set_config('application_name', $1, false)`, [name]);
    while (going()) {
      try {
        if (isolation !== null) await session.query(`begin isolation level ${isolation}`);
        await work(writer);
        if (isolation !== null) await session.query('commit');
        met('committed');
      } catch (error) {
        const code =
          error instanceof Error && 'code' in error ? String(error.code) : `none: ${String(error)}`;
        met(code);
        if (!mayGet.includes(code)) unexpected.push(`${name}: ${code}`);
        await session.query('rollback');
        writer.staleKey = undefined;
      }
      await sleep(random.next() * 3);
    }
  } finally {
    session.release(true);
  }
}
