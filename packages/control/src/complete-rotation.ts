import { drained, totalOf } from '@rekey/data';
import type { Queryable } from '@rekey/db';
import { prepared } from '@rekey/db';
import type { Snapshot } from './beat.ts';
import { finalProgress } from './close-rotation.ts';
import { progressOf, type SumsRow, sumsOf, toSums } from './progress.ts';
import { type RotationRow, rotationColumns, toView } from './rotation-view.ts';

export type CompletedRotation =
  | { readonly kind: 'completed'; readonly snapshot: Snapshot }
  /** Some range is not proved, or some target was never planned. */
  | { readonly kind: 'not_proved' }
  /** Somebody else ended it. */
  | { readonly kind: 'finished' };

/**
 * Ends a rotation as completed if, and only if, every part of every registered target was proved: ranges that lie
 * edge to edge from minus to plus infinity, each counted after the switch with nothing left on an older DEK but
 * what is set aside. With something set aside it ends `completed_with_failures`. No key changes state here.
 *
 * Two statements and no lock between them: the second one applies only to the version that the first one read, and
 * what is proved stays proved, with its counts (a proved range has no owner any more who could change them).
 */
export async function completeRotation(on: Queryable, rotationId: string): Promise<CompletedRotation> {
  for (;;) {
    const [rotation] = await prepared<RotationRow & SumsRow & { proved: boolean }>(
      on,
      `select ${rotationColumns}, ${everythingProved} as proved, ${sumsOf('$1')}
       from rekey.rotations where id = $1 and status in ('in_progress', 'paused')`,
      [rotationId],
    );
    if (rotation === undefined) return { kind: 'finished' };
    if (!rotation.proved) return { kind: 'not_proved' };
    const sums = toSums(rotation);
    const status = totalOf(sums.failed) === 0 ? 'completed' : 'completed_with_failures';
    const nowMs = rotation.now.getTime();
    const progress = finalProgress(progressOf(rotation, sums, nowMs), rotation, status, nowMs);
    const [completed] = await prepared<RotationRow>(
      on,
      `update rekey.rotations
       set status = $2, phase = 'done', progress = $3, version = version + 1,
         waiting_for = null, waiting_detail = null, drained_at = coalesce(drained_at, $4), completed_at = $4, heartbeat_at = clock_timestamp()
       where id = $1 and status in ('in_progress', 'paused') and version = $5 and ${everythingProved}
       returning ${rotationColumns}`,
      [rotationId, status, JSON.stringify(progress), rotation.now, rotation.version],
    );
    if (completed !== undefined) {
      return {
        kind: 'completed',
        snapshot: { view: toView(completed), version: Number(completed.version) },
      };
    }
    // A beat came between, or it was ended, or a target was registered: once more.
  }
}

/**
 * Every proof counted while no older DEK could be written under any more, whatever a clock says; that none can is asked
 * here once more. Nothing here may be null: an aggregate passes over nulls, and an unproved range would go unseen.
 */
const everythingProved = `(${drained('rotations.tenant_id', '(select d.key_number from rekey.deks d where d.id = rotations.new_dek_id)')} and (
  select coalesce(bool_and(covered), false) from (
    select t.name, count(g.*) > 0 and coalesce(bool_and(
        g.proved_at is not null
        and g.lower_id is not distinct from g.edge_before
        and (g.upper_id is null) = g.is_last), false) as covered
    from rekey.targets t
    left join (
      select *, lag(upper_id) over (partition by target order by ordinal) as edge_before,
        lead(ordinal) over (partition by target order by ordinal) is null as is_last
      from rekey.rotation_ranges where rotation_id = $1) g on g.target = t.name
    where t.retired_at is null group by t.name) targets))`;
