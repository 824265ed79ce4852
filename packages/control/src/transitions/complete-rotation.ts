import { totalOf } from '@rekey/data';
import { prepared, type Queryable, StoreError } from '@rekey/db';
import type { Snapshot } from '../beat.ts';
import { type IntegrityProblem, settleCounts } from '../integrity.ts';
import { progressOf, type SumsRow, sumsOf, toSums } from '../progress.ts';
import { type RotationRow, rotationColumns, toView } from '../rotation-view.ts';
import { finalProgress } from './close-rotation.ts';

export type CompletedRotation =
  | {
      readonly kind: 'completed';
      readonly snapshot: Snapshot;
      /** What was wrong with the kept counts, and was mended; in words for an operator. */
      readonly mended: readonly string[];
    }
  /** Some range is not proved, or some target was never planned. */
  | { readonly kind: 'not_proved' }
  /** All is proved, but what the proofs rest on is not as it must be. */
  | { readonly kind: 'doubted'; readonly problems: readonly IntegrityProblem[] }
  /** It does not run: somebody else ended it, or it is paused. */
  | { readonly kind: 'finished' };

interface Provedness {
  readonly proved: boolean;
}

/**
 * Ends a rotation as completed if, and only if, every part of every registered target was proved: ranges that lie
 * edge to edge from minus to plus infinity, each counted after the switch with nothing left on an older DEK but
 * what is set aside. With something set aside it ends `completed_with_failures`. No key changes state here.
 *
 * The database itself refuses it otherwise, and only then is it asked why: to ask before as well would double what looking
 * at all of that costs a small rotation. Where only the counts that triggers keep say something else, the records are
 * counted once more, past all indexes: if it was the kept count that was off, it is mended, and that is said.
 *
 * Two statements and no lock between them: the second one applies only to the version that the first one read, and
 * what is proved stays proved, with its counts (a proved range has no owner any more who could change them).
 */
export async function completeRotation(on: Queryable, rotationId: string): Promise<CompletedRotation> {
  const mended: string[] = [];
  for (let refusals = 0; ; ) {
    const [rotation] = await prepared<RotationRow & SumsRow & Provedness>(
      on,
      `select ${rotationColumns}, proved, ${sumsOf('$1')}
       from rekey.rotations, rekey.rotation_proved($1) proved where id = $1 and status = 'in_progress'`,
      [rotationId],
    );
    if (rotation === undefined) return { kind: 'finished' };
    if (!rotation.proved) return { kind: 'not_proved' };
    const sums = toSums(rotation);
    const status = totalOf(sums.failed) === 0 ? 'completed' : 'completed_with_failures';
    const nowMs = rotation.now.getTime();
    // Nothing is in doubt any more, whatever it waited for before.
    const known = progressOf({ ...rotation, waiting_for: null }, sums, nowMs);
    const progress = finalProgress(known, rotation, status, nowMs);
    const completed = await unlessRefused(
      prepared<RotationRow>(
        on,
        `select ${rotationColumns} from rekey.complete_rotation($1, $2, $3, $4, $5)`,
        [rotationId, rotation.version, status, JSON.stringify(progress), rotation.now],
      ),
    );
    if (completed instanceof StoreError) {
      refusals += 1;
      const problems = await prepared<IntegrityProblem>(
        on,
        'select target, code, problem, todo from rekey.completion_problems($1)',
        [rotationId],
      );
      const isInDoubt = problems.some(({ code }) => code !== 'COUNT');
      if (problems.length > 0 && (isInDoubt || refusals > 1)) return { kind: 'doubted', problems };
      if (refusals > 2) throw completed;
      if (problems.length > 0) mended.push(...(await settleCounts(on, rotationId)));
      continue;
    }
    const [ended] = completed;
    if (ended !== undefined) {
      return {
        kind: 'completed',
        snapshot: { view: toView(ended), version: Number(ended.version) },
        mended,
      };
    }
    // A beat came between, or it was ended, or a target was registered: once more.
  }
}

/** A refusal by the guard of the table is an answer here. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | StoreError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError && error.sqlState === 'RK005') return error;
    throw error;
  }
}
