import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@rekey/db';
import type { Vault } from '@rekey/vault';
import { firstValue, type SeededTenant } from './seed.ts';

interface WriteLatency {
  /** As `Date.now()` tells it. */
  readonly atMs: number;
  /** As `performance.now()` tells it, like `endedMs`. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly ms: number;
}

/** What a busy application saw while it ran. */
export interface Seen {
  reads: number;
  writes: number;
  /** Reads that returned neither the last acknowledged value nor one that was being written. */
  readonly lost: string[];
  /** Whatever reads or writes threw, but for RETRY. */
  readonly errors: string[];
  retries: number;
  /** When each write began and how long it took, without the time that its transaction was kept open on purpose. */
  readonly writeLatencies: Array<WriteLatency>;
}

export interface Application {
  readonly seen: Seen;
  /** What every record must hold when it has stopped: the last acknowledged value. */
  expected(): Iterable<readonly [string, Buffer]>;
  versions(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

interface State {
  readonly target: string;
  readonly id: string;
  acknowledged: number;
  started: number;
}

/** A transaction of a writer stays open for so long after its second write. */
const keptOpenMs = 20;

/**
 * Five readers and two writers at work on a tenant's records until stopped. A writer updates two records per
 * transaction, on a client of its own, and each writer has its own half of the records, so that the order of a record's
 * values is known. `before`: the versions that an earlier application left behind.
 */
export function startApplication(
  { vault, store }: { vault: Vault; store: Store },
  { tenantId, records }: SeededTenant,
  before: ReadonlyMap<string, number> = new Map(),
  { readers = 5, writers = 2, readerPauseMs = 3 } = {},
): Application {
  const states: State[] = records.map((record) => {
    const version = before.get(record.id) ?? 0;
    return { ...record, acknowledged: version, started: version };
  });
  const seen: Seen = { reads: 0, writes: 0, lost: [], errors: [], retries: 0, writeLatencies: [] };
  let stopped = false;

  const any = (from: readonly State[]): State => {
    const state = from[Math.floor(Math.random() * from.length)];
    if (state === undefined) throw new Error('no records');
    return state;
  };

  const read = async (): Promise<void> => {
    // Every other read looks at what was written lately.
    const recent = states.filter((_, i) => i % 50 === 0);
    while (!stopped) {
      const state = any(seen.reads % 2 === 0 ? states : recent);
      const oldest = state.acknowledged;
      try {
        const value = await vault.get({ target: state.target, tenantId, id: state.id });
        const version = versionOf(value, state.id);
        if (!(version >= oldest && version <= state.started))
          seen.lost.push(`${state.id}: ${version} read, ${oldest} acknowledged, ${state.started} begun`);
      } catch (error) {
        seen.errors.push(`read: ${String(error)}`);
      }
      seen.reads += 1;
      await sleep(readerPauseMs);
    }
  };

  const write = async (mine: readonly State[]): Promise<void> => {
    const recent = mine.filter((_, i) => i % 50 === 0);
    while (!stopped) {
      const [a, b] = [any(mine), any(recent)];
      if (a === b) continue;
      const versions = [a, b].map((state) => {
        state.started += 1;
        return { state, version: state.started };
      });
      await writeUntilTaken(versions);
      for (const { state, version } of versions) state.acknowledged = version;
      seen.writes += 1;
    }
  };

  const writeUntilTaken = async (versions: Array<{ state: State; version: number }>): Promise<void> => {
    for (;;) {
      const client = await store.connect();
      const atMs = Date.now();
      const beganMs = performance.now();
      try {
        await client.query('begin');
        for (const { state, version } of versions) {
          const value = valueAt(state.id, version);
          await vault.put({ target: state.target, tenantId, id: state.id, value, client });
        }
        await sleep(keptOpenMs);
        await client.query('commit');
        const endedMs = performance.now();
        seen.writeLatencies.push({ atMs, beganMs, endedMs, ms: endedMs - beganMs - keptOpenMs });
        return;
      } catch (error) {
        await client.query('rollback').catch(() => {});
        if (isRetry(error) && !isDeadlock(error)) seen.retries += 1;
        else seen.errors.push(`write: ${describe(error)}`);
        if (seen.errors.length > 100) return;
      } finally {
        client.release();
      }
    }
  };

  const working = [
    ...Array.from({ length: readers }, () => read()),
    ...Array.from({ length: writers }, (_, n) => write(states.filter((_state, i) => i % writers === n))),
  ];
  return {
    seen,
    *expected() {
      for (const { target, id, acknowledged } of states)
        yield [`${target}/${id}`, valueAt(id, acknowledged)] as const;
    },
    versions: () => new Map(states.map(({ id, acknowledged }) => [id, acknowledged])),
    async stop() {
      stopped = true;
      await Promise.all(working);
    },
  };
}

function valueAt(id: string, version: number): Buffer {
  return version === 0 ? firstValue(id) : Buffer.from(`${version} of ${id} ${'y'.repeat(250)}`);
}

function versionOf(value: Buffer | null, id: string): number {
  if (value?.equals(firstValue(id))) return 0;
  const version = Number.parseInt(value?.toString().split(' ', 1)[0] ?? '', 10);
  return value?.equals(valueAt(id, version)) ? version : Number.NaN;
}

/** By its code: an older version's vault throws a class of its own. */
function isRetry(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'RETRY';
}

function isDeadlock(error: unknown): boolean {
  return describe(error).includes('40P01');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}${error.cause === undefined ? '' : ` < ${describe(error.cause)}`}`;
}
