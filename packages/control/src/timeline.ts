import { type Queryable, row, rows } from '@rekey/db';
import type { RotationPhase } from './transitions/states.ts';

/** An event of one rotation, as people read it. */
export interface RotationEvent {
  /** In the chain of its tenant. */
  readonly sequence: number;
  readonly at: Date;
  readonly kind: string;
  readonly actor: { readonly kind: string; readonly realm: string | null; readonly id: string };
  readonly reason: string | null;
  readonly failureReason: string | null;
}

interface PhaseSpan {
  readonly phase: Exclude<RotationPhase, 'done'>;
  readonly begin: Date;
  /** Null: it lasts. */
  readonly end: Date | null;
  readonly durationMs: number;
}

export interface Timeline {
  readonly phases: PhaseSpan[];
  readonly events: RotationEvent[];
}

const phasesInOrder = ['queued', 'activating', 'sweeping', 'verifying'] as const;

/** When a rotation went from phase to phase, and what happened to it, in order; for one that exists. */
export async function readTimeline(on: Queryable, rotationId: string, eventsMax: number): Promise<Timeline> {
  const times = await row<{
    phase: RotationPhase;
    phase_times: Readonly<Record<string, string>> | null;
    started_at: Date;
    completed_at: Date | null;
    now: Date;
  }>(
    on,
    `select phase, phase_times, started_at, completed_at, clock_timestamp() as now from rekey.rotations where id = $1`,
    [rotationId],
  );
  const begins = phasesInOrder.flatMap((phase) => {
    const at = phase === 'queued' ? times.started_at : times.phase_times?.[phase];
    return at === undefined ? [] : [{ phase, begin: new Date(at) }];
  });
  // Of a rotation that an earlier version has led on nobody knows when a phase was over: it ends where the next known one begins.
  const phases = begins.map(({ phase, begin }, n): PhaseSpan => {
    const end = begins[n + 1]?.begin ?? times.completed_at;
    return { phase, begin, end, durationMs: Math.max(0, (end ?? times.now).getTime() - begin.getTime()) };
  });
  return { phases, events: await rotationEvents(on, rotationId, eventsMax) };
}

async function rotationEvents(on: Queryable, rotationId: string, limit: number): Promise<RotationEvent[]> {
  const found = await rows<EventRow>(
    on,
    `select ${eventColumns} from rekey.events e where e.rotation_id = $1 order by e.sequence limit $2`,
    [rotationId, limit],
  );
  return found.map(toEvent);
}

export interface EventRow {
  readonly sequence: string;
  readonly at: Date;
  readonly kind: string;
  readonly actor: RotationEvent['actor'];
  readonly reason: string | null;
  readonly failure_reason: string | null;
}

export const eventColumns = `e.sequence, e.at, e.kind, e.actor, e.payload ->> 'reason' as reason,
  e.payload ->> 'failureReason' as failure_reason`;

export function toEvent({ sequence, at, kind, actor, reason, failure_reason }: EventRow): RotationEvent {
  return {
    sequence: Number(sequence),
    at,
    kind,
    actor: { kind: actor.kind, realm: actor.realm, id: actor.id },
    reason,
    failureReason: failure_reason,
  };
}
