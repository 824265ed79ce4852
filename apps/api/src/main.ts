import { createCommands } from '@rekey/commands';
import { loadInstallation, noteAccesses, reviveView } from '@rekey/control';
import { createConnectionBudget, openStore, StoreError } from '@rekey/db';
import { createIdentity, createSnapshots, createTicketQueue, RedisTrouble, warnOfRedis } from '@rekey/jobs';
import {
  ConfigError,
  closeOnSignal,
  createLogger,
  explainListenError,
  guardProcess,
  onOrphaned,
  refuseToStart,
} from '@rekey/runtime';
import { shutdownMs, takenMaxMs } from '@rekey/times';
import { createAccesses } from './accesses.ts';
import { ApiError } from './api-error.ts';
import { buildApi } from './app.ts';
import { KeysUnavailable } from './auth/verifier.ts';
import { type ApiConfig, readApiConfig } from './config.ts';
import { connectAudit } from './connect-audit.ts';
import { connectCampaigns } from './connect-campaigns.ts';
import { connectKeys } from './connect-keys.ts';
import { connectPolicies } from './connect-policies.ts';
import { connectRotations } from './connect-rotations.ts';
import { connectSessions } from './connect-sessions.ts';
import { learnIdentity } from './learn-identity.ts';
import { startMetrics } from './metrics.ts';
import { createStatus } from './status.ts';
import { warnOfRoom } from './warn-of-room.ts';

async function main(config: ApiConfig): Promise<void> {
  const logger = createLogger({
    name: 'api',
    level: config.logLevel,
    ourErrors: [ApiError, StoreError, KeysUnavailable, RedisTrouble],
  });
  guardProcess(logger);
  for (const warning of config.warnings) logger.warn(warning);
  const budget = createConnectionBudget(config.connectionsMax);
  const store = openStore({
    url: config.databaseUrl,
    max: budget.pooled,
    budget,
    applicationName: 'rekey-api',
    // No answer of ours takes Postgres longer.
    takenMaxMs: takenMaxMs.api,
    // It listens to nothing, and what it writes sets what it needs in its transaction.
    transactionPooler: 'accept',
    onError: (error) => logger.warn('a connection to Postgres was lost', { error }),
  });
  const identity = createIdentity(() => loadInstallation(store));
  const redis = {
    redisUrl: config.redisUrl,
    prefix: config.queuePrefix,
    identity,
    // At debug: while Redis is away this speaks at every attempt. What lasts is said by the watch.
    onError: (error: Error) => logger.debug('trouble with Redis', { error }),
  };
  const ticketQueue = createTicketQueue(redis);
  const snapshots = createSnapshots(redis, reviveView);
  const rotations = connectRotations(store);
  const status = createStatus({ find: rotations.findAll, marks: rotations.marks, snapshots });
  const watch = warnOfRedis(logger, 'rotations start late, status comes from Postgres', [
    ticketQueue,
    snapshots,
  ]);
  const learning = learnIdentity(identity, logger);
  const room = warnOfRoom(store, budget, logger);

  const metrics =
    config.metrics === null
      ? null
      : await startMetrics(config.metrics, { store, ticketQueue, budget, logger });
  const commands = createCommands({ store, snapshots, ticketQueue });
  const accesses = createAccesses((counted) => noteAccesses(store, counted), logger);
  const app = await buildApi(config.api, {
    rotations,
    audit: connectAudit(store),
    keys: connectKeys(store),
    policies: connectPolicies(store),
    campaigns: connectCampaigns(store),
    accesses,
    sessions: connectSessions(store),
    commands: metrics?.counted(commands) ?? commands,
    status,
    redis: watch,
    connections: () => ({ max: budget.max, open: budget.open }),
    ...(metrics === null ? {} : { onAnswer: metrics.onAnswer }),
    logger,
  });
  const close = closeOnSignal({
    logger,
    deadlineMs: shutdownMs,
    closers: [
      { name: 'http', close: () => app.close() },
      { name: 'accesses', close: () => accesses.close() },
      { name: 'metrics', close: () => metrics?.close() },
      { name: 'watch', close: () => watch.close() },
      { name: 'identity', close: () => learning.close() },
      { name: 'room', close: () => room.close() },
      { name: 'tickets', close: () => ticketQueue.close() },
      { name: 'snapshots', close: () => snapshots.close() },
      { name: 'store', close: () => store.end() },
    ],
  });
  if (process.env.npm_lifecycle_event === 'start:api') onOrphaned(close);
  const { host, port } = config;
  const url = await app.listen({ host, port }).catch((error: unknown) => {
    throw explainListenError(error, { host, port, names: { host: 'HOST', port: 'PORT' } });
  });
  logger.info('listening', { url });
}

try {
  await main(readApiConfig(process.env));
} catch (error) {
  if (error instanceof ConfigError) refuseToStart(error);
  throw error;
}
