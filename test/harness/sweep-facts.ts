import type { Pool } from 'pg';
import type { StatusData } from './installation.ts';

/** What the database counted of a rotation: how often records were sealed, replaced, and in how many passes. */
export async function sweepFacts(
  pool: Pool,
  rotationId: string,
): Promise<{ sealed: number; rotated: number; passes: number; unproved: number }> {
  const { rows } = await pool.query<{ sealed: number; rotated: number; passes: number; unproved: number }>(
    `select sum(sealed)::int as sealed, sum(rotated)::int as rotated, max(pass) as passes,
       count(*) filter (where proved_at is null)::int as unproved
     from rekey.rotation_ranges where rotation_id = $1`,
    [rotationId.replace(/^rot-/, '')],
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('no ranges');
  return facts;
}

/** Rotated, superseded, failed and remaining, in all. They add up to what there was to rotate. */
export function sums(data: StatusData) {
  const rotated = total(data.itemsRotated);
  const superseded = total(data.itemsSuperseded);
  const failed = total(data.itemsFailed);
  const remaining = total(data.itemsRemaining);
  return { rotated, superseded, failed, remaining, all: rotated + superseded + failed + remaining };
}

/** Sums the three kinds of items. */
export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
