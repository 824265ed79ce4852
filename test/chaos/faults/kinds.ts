import type { Harm } from '../history.ts';
import { type KmsServerKind, kmsServerKinds } from './kms-server-kinds.ts';

/** Lanes of faults run beside each other: what happens to our processes, to what they stand on, to KMSs, and to the data. */
export const lanes = ['processes', 'surroundings', 'kms', 'data'] as const;
export type Lane = (typeof lanes)[number];

interface Kind {
  readonly lane: Lane;
  /** Who but the rotations may notice it. */
  readonly harms: readonly Harm[];
}

const process: Kind = { lane: 'processes', harms: [] };
const apiProcess: Kind = { lane: 'processes', harms: ['api'] };
const around: Kind = { lane: 'surroundings', harms: [] };
const database: Kind = { lane: 'surroundings', harms: ['application', 'api'] };
const ofApplication: Kind = { lane: 'surroundings', harms: ['application'] };
const slowsApplication: Kind = { lane: 'surroundings', harms: ['application latency'] };
const ofApi: Kind = { lane: 'surroundings', harms: ['api'] };
/** Of tenants with a DEK under a KEK in it, and of no others. */
const kmsServer: Kind = { lane: 'kms', harms: ['application'] };
const data: Kind = { lane: 'data', harms: [] };
/** Its locks keep everybody waiting for a moment. */
const changesSchema: Kind = { lane: 'data', harms: ['application latency'] };
/** Besides, a transaction whose snapshot is older finds an empty table. */
const swapsTable: Kind = { lane: 'data', harms: ['application', 'application latency'] };

const ofKmsServers = Object.fromEntries(kmsServerKinds.map((kind) => [kind, kmsServer])) as Record<
  KmsServerKind,
  Kind
>; // of that very list

export const kinds = {
  ...ofKmsServers,
  'kill-worker': process,
  'kill-after-key-stored': process,
  'kill-after-switch': process,
  'kill-before-batch-commit': process,
  'kill-after-batch-commit': process,
  'kill-after-last-batch': process,
  'kill-before-proof': process,
  'kill-after-proof': process,
  'kill-after-completed': process,
  'sigterm-worker': process,
  'sigterm-twice': process,
  'freeze-worker': process,
  'freeze-before-key-stored': process,
  'freeze-in-switch': process,
  'freeze-before-batch': process,
  'block-event-loop': process,
  'clock-an-hour-ahead': process,
  'clock-an-hour-behind': process,
  'rolling-restart': process,
  'kill-api': apiProcess,
  'kill-api-after-commit': apiProcess,
  'kill-api-after-enqueue': apiProcess,
  'everything-of-ours-down': apiProcess,
  'redis-killed': around,
  'redis-down-1s': around,
  'redis-down-15s': around,
  'redis-flushall': around,
  'redis-out-of-memory': around,
  'redis-demoted': around,
  'redis-demoted-to-empty': around,
  'redis-without-rights': around,
  'redis-snapshot-forged': around,
  'postgres-stopped-fast': database,
  'postgres-stopped-immediate': database,
  'backends-terminated': database,
  'database-read-only': database,
  'database-serializable': database,
  'commit-fails': around,
  'commit-unanswered': around,
  'commit-never-arrives': around,
  'application-commit-unanswered': ofApplication,
  'postgres-link-cut': around,
  'postgres-link-stalled': around,
  'postgres-link-half-open': around,
  'postgres-link-black-hole': around,
  'postgres-link-200ms': around,
  'redis-link-cut': around,
  'redis-link-stalled': around,
  'redis-link-half-open': around,
  'redis-link-200ms': around,
  'api-postgres-link-half-open': ofApi,
  'api-redis-link-half-open': ofApi,
  'application-link-cut': ofApplication,
  'application-link-200ms': slowsApplication,
  'kms-slow': around,
  'kms-failing': around,
  'kms-away': around,
  'application-kms-failing': ofApplication,
  'application-kms-slow': slowsApplication,
  'same-job-twice': data,
  'ciphertext-damaged': data,
  'ciphertext-swapped': data,
  'ciphertext-truncated': data,
  'record-refused-by-a-trigger': changesSchema,
  'rotate-while-one-runs': data,
  'rotate-in-the-moment-of-completion': data,
  'transaction-forgotten': data,
  'transaction-prepared': data,
  'ddl-add-column': changesSchema,
  'ddl-index-concurrently': changesSchema,
  'ddl-vacuum-full': changesSchema,
  'application-trigger': changesSchema,
  'row-security': changesSchema,
  'table-swapped': swapsTable,
  'fence-disabled': changesSchema,
  'index-loses-a-record': changesSchema,
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof kinds;

export const faultKinds = Object.keys(kinds) as FaultKind[]; // the keys of a literal
