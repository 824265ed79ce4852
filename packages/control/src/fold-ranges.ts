import { type Queryable, rows } from '@rekey/db';

/** Neighbouring ranges of one target. */
export interface RangeCell {
  readonly target: string;
  readonly planned: number;
  readonly sweeping: number;
  readonly left: number;
  readonly swept: number;
  readonly proved: number;
  readonly items: number;
  readonly itemsRotated: number;
  readonly itemsFailed: number;
  readonly itemsProved: number;
  readonly waitingFor: string | null;
}

/**
 * The ranges of a rotation in order, folded into so many cells of about as many records at most, of which each target has
 * one at least. A range without records weighs as one with one.
 */
export function foldRanges(on: Queryable, rotationId: string, cells: number): Promise<RangeCell[]> {
  return rows<RangeCell>(
    on,
    `with weighed as (
       select g.*, sum(greatest(g.planned, 1)) over (order by g.target, g.ordinal) - greatest(g.planned, 1) as before,
         sum(greatest(g.planned, 1)) over () as whole
       from rekey.rotation_ranges g where g.rotation_id = $1),
     -- A cell that two targets share becomes two.
     room as (select greatest($2::integer - count(distinct w.target) + 1, 1) as cells from weighed w)
     select w.target,
       count(*) filter (where proved_at is null and not swept and owner is null and cursor_id is null)::integer as planned,
       count(*) filter (where proved_at is null and not swept and owner is not null)::integer as sweeping,
       count(*) filter (where proved_at is null and not swept and owner is null and cursor_id is not null)::integer as "left",
       count(*) filter (where proved_at is null and swept)::integer as swept,
       count(*) filter (where proved_at is not null)::integer as proved,
       sum(planned)::float8 as items, sum(rotated)::float8 as "itemsRotated", sum(failed)::float8 as "itemsFailed",
       coalesce(sum(planned) filter (where proved_at is not null), 0)::float8 as "itemsProved",
       -- What was said last before it was paused, or ended, holds up nothing.
       min(waiting_for) filter (where proved_at is null and (select r.status from rekey.rotations r where r.id = $1) = 'in_progress')
         as "waitingFor"
     from weighed w, room
     group by w.target, floor(w.before * room.cells / w.whole)
     order by w.target, min(w.ordinal)`,
    [rotationId, cells],
  );
}
