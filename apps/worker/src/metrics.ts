import { type Kek, KmsError, kmsErrorCodes } from '@rekey/kms';
import { countConnections, createMetrics, type Metrics } from '@rekey/metrics';
import type { RotationEnvironment, RotationEvent } from '@rekey/rotation';
import type { WorkerConnections } from './connections.ts';
import { type ThrottleMetrics, throttleMetrics } from './throttle/metrics.ts';

/** What a worker tells of itself. */
export interface WorkerMetrics {
  readonly metrics: Metrics;
  /** The same KEK, whose calls are counted. */
  counted(kek: Kek): Kek;
  /** For the environment of rotations. */
  readonly onWritten: NonNullable<RotationEnvironment['onWritten']>;
  readonly onEvent: (event: RotationEvent) => void;
  /** A rotation ended by a permanent cause. */
  failed(): void;
  /** A job was put off for what it waits for. */
  waits(reason: string): void;
  eventsWritten(count: number): void;
  /** A checkpoint was sent to `CHECKPOINT_URL`, with what outcome. */
  checkpointTried(outcome: string): void;
  checkpointsBehind(read: () => number): void;
  readonly throttle: ThrottleMetrics;
  /** How many statements with records may be under way at once. */
  places(read: () => number): void;
}

/** Seconds: a batch aims at milliseconds, and waits 50 ms for a lock. */
const batchSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** From a handful of records to days. */
const rotationSeconds = [0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];
const callSeconds = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15];

export function createWorkerMetrics({ budget }: Pick<WorkerConnections, 'budget'>): WorkerMetrics {
  const metrics = createMetrics();
  countConnections(metrics, budget);
  const records = metrics.counter({
    name: 'rekey_records_total',
    help: 'Records by outcome: rotated as they are written; superseded (by applications) and set_aside when their rotation completes.',
    labelNames: ['outcome'],
  });
  for (const outcome of ['rotated', 'superseded', 'set_aside'] as const) records.inc({ outcome }, 0);
  const batches = metrics.histogram({
    name: 'rekey_batch_duration_seconds',
    help: 'How long a statement took that writes records.',
    buckets: batchSeconds,
  });
  const rotations = metrics.counter({
    name: 'rekey_rotations_total',
    help: 'Rotations that this worker ended, by outcome. Cancelled ones are counted by the API.',
    labelNames: ['outcome'],
  });
  for (const outcome of ['completed', 'completed_with_failures', 'failed'] as const)
    rotations.inc({ outcome }, 0);
  const durations = metrics.histogram({
    name: 'rekey_rotation_duration_seconds',
    help: 'From the call to the end of rotations that this worker completed.',
    buckets: rotationSeconds,
  });
  const steps = metrics.counter({
    name: 'rekey_rotation_steps_total',
    help: 'Steps that this worker took with rotations.',
    labelNames: ['step'],
  });
  for (const step of ['started', 'switched', 'drained', 'completed'] as const) steps.inc({ step }, 0);
  const waits = metrics.counter({
    name: 'rekey_waits_total',
    help: 'Jobs that this worker put off, by what they waited for.',
    labelNames: ['reason'],
  });
  for (const reason of ['kms', 'database', 'lock', 'integrity', 'internal', 'window', 'kek_suspended'])
    waits.inc({ reason }, 0);
  const calls = metrics.counter({
    name: 'rekey_kms_calls_total',
    help: 'Calls to KEKs by provider, operation and outcome: ok, or the code of what went wrong.',
    labelNames: ['provider', 'operation', 'outcome'],
  });
  const callDurations = metrics.histogram({
    name: 'rekey_kms_call_duration_seconds',
    help: 'How long calls to KEKs took, with their retries.',
    labelNames: ['provider', 'operation'],
    buckets: callSeconds,
  });
  const events = metrics.counter({
    name: 'rekey_events_written_total',
    help: 'Recorded events that this worker wrote a line for.',
  });
  const checkpoints = metrics.counter({
    name: 'rekey_checkpoints_sent_total',
    help: 'Checkpoints that this worker sent to CHECKPOINT_URL, by outcome: taken, refused (by its answer), away.',
    labelNames: ['outcome'],
  });
  for (const outcome of ['taken', 'refused', 'away']) checkpoints.inc({ outcome }, 0);

  return {
    metrics,
    counted(kek) {
      const provider = kek.id.split(':', 1)[0] ?? '';
      // From 0 on: a rate would not see the first one of a series that begins with it.
      for (const operation of ['wrap', 'unwrap'])
        for (const outcome of ['ok', 'internal', ...kmsErrorCodes.map((code) => code.toLowerCase())])
          calls.inc({ provider, operation, outcome }, 0);
      const measured = async (operation: 'wrap' | 'unwrap', call: () => Promise<Buffer>): Promise<Buffer> => {
        const begunMs = performance.now();
        let outcome = 'ok';
        try {
          return await call();
        } catch (error) {
          outcome = error instanceof KmsError ? error.code.toLowerCase() : 'internal';
          throw error;
        } finally {
          calls.inc({ provider, operation, outcome });
          callDurations.observe({ provider, operation }, (performance.now() - begunMs) / 1_000);
        }
      };
      return {
        id: kek.id,
        uri: kek.uri,
        wrap: (dek, aad) => measured('wrap', () => kek.wrap(dek, aad)),
        unwrap: (wrapped, aad) => measured('unwrap', () => kek.unwrap(wrapped, aad)),
        close: () => kek.close(),
      };
    },
    onWritten(items, ms) {
      records.inc({ outcome: 'rotated' }, items);
      batches.observe(ms / 1_000);
    },
    onEvent(event) {
      if (event.kind === 'locked') return waits.inc({ reason: 'lock' });
      steps.inc({ step: event.kind });
      if (event.kind !== 'completed') return;
      const { view } = event;
      rotations.inc({ outcome: view.status });
      records.inc({ outcome: 'superseded' }, totalOf(view.itemsSuperseded));
      records.inc({ outcome: 'set_aside' }, totalOf(view.itemsFailed));
      if (view.completedAt !== null)
        durations.observe((view.completedAt.getTime() - view.startedAt.getTime()) / 1_000);
    },
    failed: () => rotations.inc({ outcome: 'failed' }),
    waits: (reason) => waits.inc({ reason }),
    eventsWritten: (count) => events.inc(count),
    checkpointTried: (outcome) => checkpoints.inc({ outcome }),
    checkpointsBehind: (read) =>
      metrics.reading(
        'rekey_checkpoints_behind_seconds',
        'For how long CHECKPOINT_URL has not taken the latest checkpoint; 0 where it has. Absent where there is no such address.',
        read,
      ),
    throttle: throttleMetrics(metrics),
    places: (read) =>
      metrics.reading(
        'rekey_statement_places',
        'Statements with records that this worker may have under way at once.',
        read,
      ),
  };
}

function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
