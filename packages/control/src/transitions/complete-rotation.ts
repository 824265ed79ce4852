import { totalOf } from '@rekey/data';
import { type Going, prepared, type Queryable, StoreError, several } from '@rekey/db';
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
    const turn = await unlessRefused(completeOnce(on, [rotationId], 'alone'));
    if (!(turn instanceof StoreError)) {
      const [ended] = turn;
      if (ended !== undefined) return ended.kind === 'completed' ? { ...ended, mended } : ended;
      continue;
    }
    refusals += 1;
    const problems = await prepared<IntegrityProblem>(
      on,
      'select target, code, problem, todo from rekey.completion_problems($1)',
      [rotationId],
    );
    const isInDoubt = problems.some(({ code }) => code !== 'COUNT');
    if (problems.length > 0 && (isInDoubt || refusals > 1)) return { kind: 'doubted', problems };
    if (refusals > 2) throw turn;
    if (problems.length > 0) mended.push(...(await settleCounts(on, rotationId)));
  }
}

/**
 * One attempt for several rotations, in the same order: all of those that are proved, or none where the database refuses one.
 * Undefined: it changed between the two statements, or stands there twice, and is to be tried once more.
 */
export async function completeOnce(
  on: Queryable,
  rotationIds: readonly string[],
  going: Going = 'together',
): Promise<Array<CompletedRotation | undefined>> {
  const found = await prepared<RotationRow & SumsRow & Provedness>(
    on,
    `select ${rotationColumns}, proved, ${sumsOf('id')}
     from unnest($1::uuid[]) asked(rotation) join rekey.rotations on id = rotation
       cross join lateral rekey.rotation_proved(rotation) proved where status = 'in_progress'`,
    [[...new Set(rotationIds)]],
  );
  const proved = found.filter((rotation) => rotation.proved);
  const ends = proved.map((rotation) => {
    const sums = toSums(rotation);
    const status = totalOf(sums.failed) === 0 ? 'completed' : 'completed_with_failures';
    const nowMs = rotation.now.getTime();
    // Nothing is in doubt any more, whatever it waited for before.
    const known = progressOf({ ...rotation, waiting_for: null }, sums, nowMs);
    return { status, progress: JSON.stringify(finalProgress(known, rotation, status, nowMs)) };
  });
  const completed =
    proved.length === 0
      ? []
      : await prepared<RotationRow>(
          on,
          `select ${rotationColumns}
           from ${several({ rotation: 'uuid', as_of: 'bigint', as_status: 'text', with_progress: 'jsonb', at: 'timestamptz' }, going)}
             cross join lateral rekey.complete_rotation(rotation, as_of, as_status, with_progress, at)`,
          [
            proved.map(({ id }) => id),
            proved.map(({ version }) => version),
            ends.map(({ status }) => status),
            ends.map(({ progress }) => progress),
            proved.map(({ now }) => now),
          ],
        );
  return rotationIds.map((rotationId, i) => {
    // One end is told once, though two jobs come to it at the same time.
    if (rotationIds.indexOf(rotationId) < i) return undefined;
    const rotation = found.find(({ id }) => id === rotationId);
    if (rotation === undefined) return { kind: 'finished' };
    if (!rotation.proved) return { kind: 'not_proved' };
    const ended = completed.find(({ id }) => id === rotationId);
    // A beat came between, or it was ended, or a target was registered.
    if (ended === undefined) return undefined;
    return {
      kind: 'completed',
      snapshot: { view: toView(ended), version: Number(ended.version) },
      mended: [],
    };
  });
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
