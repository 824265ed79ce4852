import { type Queryable, row, rows } from '@rekey/db';
import { type LoggedEvent, readEvents } from './audit.ts';

/** Cuts off events that are older than they are to be kept, so many leaves of the log at most: how many were looked at. */
export async function cutEvents(on: Queryable, atMost: number): Promise<number> {
  const { cut } = await row<{ cut: number }>(on, 'select rekey.cut_events($1) as cut', [atMost]);
  return cut;
}

/** Up to where events are cut off, and the event that says so; null: none are. */
export async function latestCut(
  on: Queryable,
): Promise<{ readonly cutTo: number; readonly event: LoggedEvent } | null> {
  // Found by its time: where it stands in its chain nothing says.
  const [cut] = await rows<{ size: string; cut_to: string; chain: string | null; from: Date; before: Date }>(
    on,
    `select c.tree_size as size, c.cut_to, e.chain, e.at - interval '1 ms' as from, e.at + interval '1 ms' as before
     from (select * from rekey.event_cuts order by tree_size desc limit 1) c
       left join lateral (select e.chain, e.at from rekey.events e
         where e.at >= c.cut_at - interval '1 hour' and e.kind = 'audit.cut' and e.chain = rekey.installation_chain()
           and (e.payload ->> 'treeSize')::bigint = c.tree_size order by e.at limit 1) e on true`,
  );
  if (cut === undefined || cut.chain === null || Number(cut.cut_to) === 0) return null;
  const { chain, from, before } = cut;
  for await (const page of readEvents(on, { chain, kind: 'audit.cut', from, before })) {
    const event = page.find(({ event: { payload } }) => payload.treeSize === Number(cut.size));
    if (event !== undefined) return { cutTo: Number(cut.cut_to), event };
  }
  return null;
}

/** An event of which the log has the hash, and nothing else is left. */
export interface CutLeaf {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
  readonly index: number;
}

/** The last event of a chain that is cut off. */
export async function lastCutOf(on: Queryable, chain: string, cutTo: number): Promise<CutLeaf | null> {
  const [found] = await rows<LeafRow>(
    on,
    `${leaves} where l.chain = $1 and l.index < $2 order by l.sequence desc limit 1`,
    [chain, cutTo],
  );
  return found === undefined ? null : toLeaf(found);
}

/** All that are cut off, by their places, from one on. */
export async function cutLeaves(
  on: Queryable,
  after: number,
  cutTo: number,
  limit: number,
): Promise<CutLeaf[]> {
  const found = await rows<LeafRow>(
    on,
    `${leaves} where l.chain is not null and l.index > $1 and l.index < $2 order by l.index limit $3`,
    [after, cutTo, limit],
  );
  return found.map(toLeaf);
}

const leaves = `select l.chain, l.sequence, encode(l.content, 'hex') as hash, l.index from rekey.log_leaves l`;

interface LeafRow {
  readonly chain: string;
  readonly sequence: string;
  readonly hash: string;
  readonly index: string;
}

function toLeaf({ chain, sequence, hash, index }: LeafRow): CutLeaf {
  return { chain, sequence: Number(sequence), hash, index: Number(index) };
}
