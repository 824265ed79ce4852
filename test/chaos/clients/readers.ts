import { setTimeout as sleep } from 'node:timers/promises';
import { type Vault, VaultError } from '@rekey/vault';
import type { History } from '../history.ts';
import type { Random } from '../random.ts';
import { type ChaosRecord, versionIn } from './records.ts';

/** What a client does until the signal comes. */
export type Client = (signal: AbortSignal) => Promise<void>;

/** One read, as the history tells it. */
export async function readOnce(vault: Vault, history: History, record: ChaosRecord): Promise<void> {
  const { index: r, tenantId, target, id } = record;
  const b = history.now();
  try {
    const value = await vault.get({ target, tenantId, id });
    const n = value === null ? null : versionIn(r, value);
    const e = history.now();
    if (n === undefined)
      history.add({ t: 'read', r, n: -1, b, e, o: 'ok', why: 'a value that nobody wrote' });
    else history.add({ t: 'read', r, n, b, e, o: 'ok' });
  } catch (error) {
    const unreadable = error instanceof VaultError && error.code === 'UNREADABLE';
    history.add({
      t: 'read',
      r,
      n: -1,
      b,
      e: history.now(),
      o: unreadable ? 'ok' : 'fail', // bytes that do not open are a wrong answer, not a failed call
      why: reasonOf(error),
    });
  }
}

/** Reads records at random. */
export function reader(
  vault: Vault,
  history: History,
  records: readonly ChaosRecord[],
  random: Random,
  pauseMs: number,
): Client {
  return async (signal) => {
    while (!signal.aborted) {
      await readOnce(vault, history, random.pick(records));
      await sleep(pauseMs);
    }
  };
}

export function reasonOf(error: unknown): string {
  if (error instanceof VaultError && error.cause instanceof Error)
    return `${error.code}: ${error.cause.message}`.slice(0, 200);
  if (error instanceof Error && 'code' in error)
    return `${String(error.code)}: ${error.message}`.slice(0, 200);
  return String(error).slice(0, 200);
}
