import { type Queryable, rows } from '@rekey/db';
import { type RotationRow, type RotationView, rotationColumns, toView } from './rotation-view.ts';
import { type EventRow, eventColumns, type RotationEvent, toEvent } from './timeline.ts';

/** A rotation as it stands, and what happened to it behind an event of its tenant, both at one moment. */
export interface FollowedRotation {
  readonly rotationId: string;
  /** The sequence of that event. */
  readonly after: number;
  readonly view: RotationView;
  /** In order; as many as were asked for at most. */
  readonly events: RotationEvent[];
}

/**
 * The rotation, and from which event on its events are still to be told: `lastSeen`, if its tenant has such an event, else
 * the last one of the rotation. Null when there is no such rotation.
 */
export async function beginToFollow(
  on: Queryable,
  rotationId: string,
  lastSeen: number | null,
): Promise<{ readonly view: RotationView; readonly after: number } | null> {
  const [found] = await rows<RotationRow & { readonly after: string }>(
    on,
    `select ${rotationColumns}, coalesce(
       (select k.sequence from rekey.events k where k.chain = r.tenant_id and k.sequence = $2::bigint),
       (select max(e.sequence) from rekey.events e where e.rotation_id = r.id), 0) as after
     from rekey.rotations r where r.id = $1`,
    [rotationId, lastSeen],
  );
  return found === undefined ? null : { view: toView(found), after: Number(found.after) };
}

/**
 * How these rotations stand, and their events behind those sequences, by one statement however many they are. Events of a
 * tenant become visible in the order of their sequences, since its chain is locked until they are committed: none appears
 * before one that was told. A rotation that is not there any more is missing.
 */
export async function readFollowed(
  on: Queryable,
  followed: ReadonlyArray<Pick<FollowedRotation, 'rotationId' | 'after'>>,
  eventsMax: number,
): Promise<FollowedRotation[]> {
  const found = await rows<RotationRow & { readonly after: string; readonly events: FoldedEvent[] }>(
    on,
    `select r.*, w.after, n.events
     from unnest($1::uuid[], $2::bigint[]) w(rotation, after)
       cross join lateral (select ${rotationColumns} from rekey.rotations where id = w.rotation) r
       cross join lateral (
         select coalesce(jsonb_agg(to_jsonb(t) order by t.sequence), '[]') as events
         from (select ${eventColumns} from rekey.events e
           where e.chain = r.tenant_id and e.sequence > w.after and e.rotation_id = w.rotation order by e.sequence limit $3) t) n`,
    [followed.map(({ rotationId }) => rotationId), followed.map(({ after }) => after), eventsMax],
  );
  return found.map((row) => ({
    rotationId: row.id,
    after: Number(row.after),
    view: toView(row),
    events: row.events.map((event) => toEvent({ ...event, at: new Date(event.at) })),
  }));
}

/** An event that came as JSON. */
type FoldedEvent = Omit<EventRow, 'at'> & { readonly at: string };
