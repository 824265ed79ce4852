/**
 * What may become of a rotation: in which status and phase which event leads where. The database holds the same table
 * (`rekey.rotation_moves`) and refuses every other move, whoever makes it; a test compares the two. The functions of this
 * folder make the moves; whatever only reads is elsewhere.
 */

const endings = ['completed', 'completed_with_failures', 'failed', 'cancelled'] as const;

export type RotationStatus = 'in_progress' | 'paused' | Final;
export type Final = (typeof endings)[number];
export type RotationPhase = (typeof unfinishedPhases)[number] | 'done';

const unfinishedPhases = ['queued', 'activating', 'sweeping', 'verifying'] as const;

export const rotationStatuses: readonly RotationStatus[] = ['in_progress', 'paused', ...endings];
export const rotationPhases: readonly RotationPhase[] = [...unfinishedPhases, 'done'];

/** What a rotation is when it is called for; a retry is switched from then on, as the one that it is of. */
export const firstState = { status: 'in_progress', phase: 'queued' } as const;

type RotationEvent =
  | 'take_up'
  | 'switch'
  | 'plan'
  | 'verify'
  | 'complete'
  | 'fail'
  | 'cancel'
  | 'pause'
  | 'resume';

export interface RotationMove {
  readonly event: RotationEvent;
  readonly from: { readonly status: RotationStatus; readonly phases: readonly RotationPhase[] };
  /** `phase` null: it stays. */
  readonly to: { readonly status: RotationStatus; readonly phase: RotationPhase | null };
  /** The function in the database that makes it. */
  readonly by: string;
}

const running = (...phases: readonly RotationPhase[]) => ({ status: 'in_progress', phases }) as const;
const paused = { status: 'paused', phases: unfinishedPhases } as const;
const ended = (status: Final) => ({ status, phase: 'done' }) as const;
const stays = (status: 'in_progress' | 'paused') => ({ status, phase: null }) as const;
const on = (phase: RotationPhase) => ({ status: 'in_progress', phase }) as const;

export const rotationMoves: readonly RotationMove[] = [
  { event: 'take_up', from: running('queued'), to: on('activating'), by: 'take_up' },
  // Once: `switched_at` is set by this event and no other, and never again.
  { event: 'switch', from: running('activating'), to: stays('in_progress'), by: 'switch_to_dek' },
  { event: 'plan', from: running('activating'), to: on('sweeping'), by: 'store_ranges' },
  { event: 'verify', from: running('sweeping'), to: on('verifying'), by: 'begin_verifying' },
  // One job that swept all of a small rotation ends it without announcing that it verifies.
  ...(['completed', 'completed_with_failures'] as const).map((status) => ({
    event: 'complete' as const,
    from: running('sweeping', 'verifying'),
    to: ended(status),
    by: 'complete_rotation',
  })),
  { event: 'fail', from: running(...unfinishedPhases), to: ended('failed'), by: 'end_rotation' },
  { event: 'cancel', from: running(...unfinishedPhases), to: ended('cancelled'), by: 'end_rotation' },
  { event: 'cancel', from: paused, to: ended('cancelled'), by: 'end_rotation' },
  { event: 'pause', from: running(...unfinishedPhases), to: stays('paused'), by: 'pause_rotation' },
  { event: 'resume', from: paused, to: stays('in_progress'), by: 'resume_rotation' },
];

/** SQL: still to come to its end, running or not. In the way of another rotation of its tenant. */
export const unfinished = `status in ('in_progress', 'paused')`;
