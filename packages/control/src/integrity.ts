import { prepared, type Queryable, row, rows } from '@rekey/db';
import type { WaitingDetail } from './rotation-view.ts';

/** Something that the guarantee rests on and that is not as it must be. In words for an operator. */
export interface IntegrityProblem {
  /** The target that it concerns; null: all of them. */
  readonly target: string | null;
  readonly code: string;
  readonly problem: string;
  readonly todo: string;
}

/** What keeps this tenant's rotation from being switched; nothing: what sweep and proof see is what is there. */
export function findIntegrityProblems(on: Queryable, tenantId: string): Promise<IntegrityProblem[]> {
  return prepared(on, 'select target, code, problem, todo from rekey.integrity_problems($1)', [tenantId]);
}

export function integrityDetail(problems: readonly IntegrityProblem[]): WaitingDetail {
  const said = (part: (problem: IntegrityProblem) => string): string[] => [...new Set(problems.map(part))];
  return {
    what: said(({ code, problem }) => `${problem} (${code})`).join(' '),
    since: null,
    todo: said(({ todo }) => todo).join('; '),
  };
}

/** Mends the kept counts of a rotation that only they keep from its end, if it is they that are off; what was mended. */
export async function settleCounts(on: Queryable, rotationId: string): Promise<string[]> {
  const found = await rows<{ mended: string }>(on, 'select mended from rekey.settle_counts($1) mended', [
    rotationId,
  ]);
  return found.map(({ mended }) => mended);
}

/**
 * - `same`: the database that it was before. `first`: nobody has looked before.
 * - `promoted`: the same after a failover, or after a recovery to a moment in the past.
 * - `restored`: another one, out of a backup or a copy.
 */
export type RecognizedDatabase = 'same' | 'first' | 'promoted' | 'restored';

/** Whether this database is the one that it was when it was last asked; registered tables are found again in a restored one. */
export async function recognizeDatabase(on: Queryable): Promise<RecognizedDatabase> {
  const { was } = await row<{ was: RecognizedDatabase }>(on, 'select rekey.recognize_database() as was');
  return was;
}
