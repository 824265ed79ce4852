import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@rekey/db';
import { type Vault, VaultError } from '@rekey/vault';
import type { PoolClient } from 'pg';
import type { History, Outcome } from '../history.ts';
import type { Random } from '../random.ts';
import { type Client, reasonOf } from './readers.ts';
import { type ChaosRecord, nameOf, valueAt } from './records.ts';

interface WriterTools {
  readonly vault: Vault;
  readonly store: Store;
  readonly history: History;
  readonly random: Random;
  readonly name: string;
}

/** Writes its own records until the signal: alone, several at once, in transactions of its own, deleted and made anew. */
export function writer(tools: WriterTools, records: readonly ChaosRecord[], pauseMs: number): Client {
  return async (signal) => {
    while (!signal.aborted) {
      await writeSomething(tools, records);
      await sleep(pauseMs * (0.5 + tools.random.next()));
    }
  };
}

async function writeSomething(tools: WriterTools, records: readonly ChaosRecord[]): Promise<void> {
  const { random, vault } = tools;
  const dice = random.next();
  const record = random.pick(records);
  const { tenantId, target } = record;
  if (dice < 0.55) {
    await recorded(tools, [record], () =>
      vault.put({ target, tenantId, id: record.id, value: latest(record), columns: nameOf(record) }),
    );
  } else if (dice < 0.7) {
    const together = some(
      tools,
      records,
      (other) => other.tenantId === tenantId && other.target === target,
      4,
    );
    await recorded(tools, together, () =>
      vault.putMany({
        target,
        tenantId,
        records: together.map((each) => ({ id: each.id, value: latest(each), columns: nameOf(each) })),
      }),
    );
  } else if (dice < 0.78) {
    await rename(
      tools,
      records.filter((other) => other.tenantId === tenantId && other.target === target).slice(0, renamedMax),
    );
  } else if (dice < 0.95) {
    const together = some(tools, records, (other) => other.tenantId === tenantId, 2);
    await inCallersTransaction(tools, together, random.chance(0.25) ? 'repeatable read' : 'read committed');
  } else {
    await recorded(tools, [record], () => remove(tools.store, record), true);
  }
}

/** Other records beside a first, in the order of ids: two transactions of ours never deadlock each other. */
function some(
  { random }: WriterTools,
  records: readonly ChaosRecord[],
  fits: (record: ChaosRecord) => boolean,
  max: number,
): ChaosRecord[] {
  const fitting = random.shuffled(records.filter(fits)).slice(0, max);
  return fitting.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function latest(record: ChaosRecord): Buffer {
  return valueAt(record.index, record.version);
}

async function remove(store: Store, { target, id }: ChaosRecord): Promise<void> {
  await store.query(`delete from ${target} where id = $1`, [id]);
}

const renamedMax = 40;

/** Writes plain columns only and keeps the records locked meanwhile: the sweep has to leave them out and come back. */
async function rename({ store, random }: WriterTools, together: readonly ChaosRecord[]): Promise<void> {
  const [first] = together;
  const client = first === undefined ? null : await store.connect().catch(() => null);
  if (first === undefined || client === null) return;
  let broken = false;
  const onDeath = (): void => {
    broken = true;
  };
  client.on('error', onDeath);
  try {
    await client.query('begin');
    await client.query(`update ${first.target} set name = name where id = any($1)`, [
      together.map(({ id }) => id),
    ]);
    await sleep(random.integer(50, 600));
    await client.query(random.chance(0.5) ? 'commit' : 'rollback');
  } catch {
    broken = true;
  } finally {
    client.off('error', onDeath);
    client.release(broken);
  }
}

/** A transaction that did not happen, whatever it was. */
export class RolledBack extends Error {
  constructor(cause: unknown) {
    super(reasonOf(cause), { cause });
  }
}

async function inCallersTransaction(
  tools: WriterTools,
  together: readonly ChaosRecord[],
  isolation: string,
): Promise<void> {
  const { store, random } = tools;
  const keptOpenMs = random.chance(0.2) ? random.integer(5, 400) : 0;
  await recorded(tools, together, async () => {
    const client = await store.connect().catch((error: unknown) => {
      throw new RolledBack(error);
    });
    let broken = false;
    const onDeath = (): void => {
      broken = true;
    };
    client.on('error', onDeath);
    try {
      await putAll(tools, client, together, isolation, keptOpenMs);
      const { command } = await client.query('commit');
      if (command !== 'COMMIT') throw new RolledBack(new Error('the transaction was aborted'));
    } catch (error) {
      await client.query('rollback').catch(onDeath);
      throw error;
    } finally {
      client.off('error', onDeath);
      client.release(broken);
    }
  });
}

async function putAll(
  { vault }: WriterTools,
  client: PoolClient,
  together: readonly ChaosRecord[],
  isolation: string,
  keptOpenMs: number,
): Promise<void> {
  try {
    await client.query(`begin isolation level ${isolation}`);
    for (const record of together) {
      const { target, tenantId, id } = record;
      await vault.put({ target, tenantId, id, value: latest(record), columns: nameOf(record), client });
    }
    if (keptOpenMs > 0) await sleep(keptOpenMs);
  } catch (error) {
    throw new RolledBack(error);
  }
}

/** Begins a new version of each record, and writes down what became of it. */
export async function recorded(
  { history, name: by }: Pick<WriterTools, 'history' | 'name'>,
  records: readonly ChaosRecord[],
  write: () => Promise<void>,
  gone = false,
): Promise<void> {
  for (const record of records) {
    record.version += 1;
    const begun = { t: 'write', r: record.index, n: record.version, b: history.now(), by } as const;
    history.add(gone ? { ...begun, gone } : begun);
  }
  let o: Outcome = 'ok';
  let why: string | undefined;
  try {
    await write();
  } catch (error) {
    o = didNotHappen(error) ? 'fail' : 'info';
    why = reasonOf(error);
  }
  for (const { index: r, version: n } of records) {
    history.add({ t: 'wrote', r, n, e: history.now(), o, ...(why === undefined ? {} : { why }) });
  }
}

/** `RETRY` promises that nothing was written. Whatever else it was: the acknowledgement may have been lost. */
function didNotHappen(error: unknown): boolean {
  return error instanceof RolledBack || (error instanceof VaultError && error.code !== 'UNAVAILABLE');
}
