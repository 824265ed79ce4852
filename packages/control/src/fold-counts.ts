import { type Queryable, row } from '@rekey/db';

/**
 * Folds some of the appended changes of record counts into the counts; returns how many were folded. Several may do
 * it at once: each takes rows that no other has.
 */
export async function foldRecordCounts(on: Queryable, deltasMax = 10_000): Promise<number> {
  const { folded } = await row<{ folded: string }>(on, 'select rekey.fold_counts($1) as folded', [deltasMax]);
  return Number(folded);
}
