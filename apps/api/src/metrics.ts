import type { Commands } from '@rekey/commands';
import { findWorkFigures, type WorkFigures } from '@rekey/control';
import type { ConnectionBudget, Store } from '@rekey/db';
import type { QueueCounts, TicketQueue } from '@rekey/jobs';
import { countConnections, createMetrics, type MetricsPlace, serveMetrics } from '@rekey/metrics';
import { explainListenError, type Logger } from '@rekey/runtime';
import { figuresMs } from '@rekey/times';
import { tellControl } from './control-metrics.ts';
import type { ApiDependencies } from './dependencies.ts';
import { readRegularly } from './read-regularly.ts';

interface ApiMetrics {
  readonly url: string;
  readonly onAnswer: NonNullable<ApiDependencies['onAnswer']>;
  /** The same commands, whose outcomes are counted. */
  counted(commands: Commands): Commands;
  close(): Promise<void>;
}

interface MetricsDependencies {
  readonly store: Store;
  readonly ticketQueue: Pick<TicketQueue, 'counts'>;
  readonly budget: ConnectionBudget;
  readonly logger: Logger;
}

/** Seconds: a poll takes a millisecond, a call that waits for a row some more. */
const answerSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const phases = ['queued', 'activating', 'sweeping', 'verifying', 'paused'] as const;
const waits = ['kms', 'database', 'lock', 'integrity', 'internal', 'window', 'kek_suspended'] as const;

/** What the API tells of itself, and of the installation: that the workers need not each count the same. */
export async function startMetrics(
  place: MetricsPlace,
  { store, ticketQueue, budget, logger }: MetricsDependencies,
): Promise<ApiMetrics> {
  const metrics = createMetrics();
  countConnections(metrics, budget);
  const work = readRegularly(() => findWorkFigures(store), figuresMs);
  tellWork(metrics, work.latest);
  const queues = readRegularly(() => ticketQueue.counts(), figuresMs);
  tellQueues(metrics, queues.latest);
  const control = tellControl(metrics, store);

  const answers = metrics.counter({
    name: 'rekey_http_requests_total',
    help: 'Requests that were answered, by operation of the OpenAPI document (signIn: to the console; none: no other route) and status.',
    labelNames: ['operation', 'status'],
  });
  const durations = metrics.histogram({
    name: 'rekey_http_request_duration_seconds',
    help: 'How long an answer took, by operation of the OpenAPI document (signIn: to the console; none: no other route).',
    labelNames: ['operation'],
    buckets: answerSeconds,
  });
  const commanded = metrics.counter({
    name: 'rekey_rotations_commanded_total',
    help: 'What became of rotations by a call to this process: started, retried, paused, resumed, cancelled.',
    labelNames: ['command'],
  });
  for (const command of ['started', 'retried', 'paused', 'resumed', 'cancelled'] as const)
    commanded.inc({ command }, 0);

  const server = await serveMetrics(metrics, place).catch((error: unknown) => {
    throw explainListenError(error, { ...place, names: { host: 'METRICS_HOST', port: 'METRICS_PORT' } });
  });
  logger.info('metrics are served', { url: `${server.url}/metrics` });

  return {
    url: server.url,
    onAnswer(operation, status, seconds) {
      const of = operation ?? 'none';
      answers.inc({ operation: of, status: String(status) });
      durations.observe({ operation: of }, seconds);
    },
    counted: (commands) => ({
      ...commands,
      async startRotation(actor, input) {
        const outcome = await commands.startRotation(actor, input);
        if (outcome.kind === 'started') commanded.inc({ command: 'started' });
        return outcome;
      },
      async retryRotation(actor, input) {
        const outcome = await commands.retryRotation(actor, input);
        if (outcome.kind === 'changed') commanded.inc({ command: 'retried' });
        return outcome;
      },
      async pauseRotation(actor, input) {
        const outcome = await commands.pauseRotation(actor, input);
        if (outcome.kind === 'changed') commanded.inc({ command: 'paused' });
        return outcome;
      },
      async resumeRotation(actor, input) {
        const outcome = await commands.resumeRotation(actor, input);
        if (outcome.kind === 'changed') commanded.inc({ command: 'resumed' });
        return outcome;
      },
      async cancelRotation(actor, input) {
        const outcome = await commands.cancelRotation(actor, input);
        if (outcome.kind === 'changed') commanded.inc({ command: 'cancelled' });
        return outcome;
      },
    }),
    async close() {
      work.close();
      queues.close();
      control.close();
      await server.close();
    },
  };
}

/** All of it is absent while Postgres does not tell, or has not told for too long: zero would mean that nothing is to do. */
function tellWork(metrics: ReturnType<typeof createMetrics>, latest: () => WorkFigures | null): void {
  const reading = (name: string, help: string, read: (figures: WorkFigures) => number): void =>
    metrics.reading(name, help, () => {
      const figures = latest();
      return figures === null ? null : read(figures);
    });
  reading(
    'rekey_work_waiting',
    'Ranges, small rotations and steps between phases that a worker could do now, those under way among them. Absent while unknown. Take its max().',
    ({ work }) => work,
  );
  reading(
    'rekey_work_under_way',
    'Those of rekey_work_waiting that a worker has.',
    ({ underWay }) => underWay,
  );
  reading(
    'rekey_records_remaining',
    'Records of unfinished rotations that are not swept yet, as they were planned.',
    ({ itemsRemaining }) => itemsRemaining,
  );
  reading(
    'rekey_rotations_draining',
    'Unfinished rotations of tenants with an older DEK that a transaction still holds.',
    ({ draining }) => draining,
  );
  reading(
    'rekey_events_waiting',
    'Recorded events that no worker has written a line for; 10000 means that or more.',
    ({ eventsWaiting }) => eventsWaiting,
  );
  const rotations = metrics.gauge({
    name: 'rekey_rotations_unfinished',
    help: 'Unfinished rotations by phase; paused ones by themselves.',
    labelNames: ['phase'],
    collect() {
      rotations.reset();
      const figures = latest();
      if (figures !== null)
        for (const phase of phases) rotations.set({ phase }, figures.rotations[phase] ?? 0);
    },
  });
  const waiting = metrics.gauge({
    name: 'rekey_rotations_waiting',
    help: 'Unfinished rotations that wait, by what they wait for.',
    labelNames: ['reason'],
    collect() {
      waiting.reset();
      const figures = latest();
      if (figures !== null) for (const reason of waits) waiting.set({ reason }, figures.waits[reason] ?? 0);
    },
  });
}

/** Absent while Redis does not tell. */
function tellQueues(metrics: ReturnType<typeof createMetrics>, latest: () => QueueCounts | null): void {
  const jobs = metrics.gauge({
    name: 'rekey_queue_jobs',
    help: 'Jobs in Redis by queue and state. Work that is waiting is rekey_work_waiting, whatever Redis has of it.',
    labelNames: ['queue', 'state'],
    collect() {
      jobs.reset();
      const counts = latest();
      if (counts === null) return;
      for (const queue of ['rotations', 'ranges'] as const)
        for (const state of ['waiting', 'active', 'delayed'] as const)
          jobs.set({ queue, state }, counts[queue][state]);
    },
  });
}
