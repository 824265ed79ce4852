import { readFile } from 'node:fs/promises';
import { rows, type Store } from '@rekey/db';
import { type TargetName, targets, tenantId } from './records.ts';

export interface Stock {
  readonly records: number;
  /** Under another DEK than the one asked for. */
  readonly elsewhere: number;
}

/** Counts the demo tenant's records in the tables themselves, and those not under the DEK with that (plain) id. */
export async function takeStock(store: Store, dekId: string | null): Promise<Record<TargetName, Stock>> {
  const sql = await readFile(new URL('./proof.sql', import.meta.url), 'utf8');
  const found = await rows<{ target: string; records: string; elsewhere: string }>(store, sql, [
    tenantId,
    dekId,
  ]);
  const stockOf = (target: TargetName): Stock => {
    const row = found.find((row) => row.target === target);
    return { records: Number(row?.records), elsewhere: Number(row?.elsewhere) };
  };
  const [credentials, apiKeys, secrets] = targets.map(({ target }) => stockOf(target));
  if (credentials === undefined || apiKeys === undefined || secrets === undefined) throw new RangeError();
  return { credentials, api_keys: apiKeys, secrets };
}
