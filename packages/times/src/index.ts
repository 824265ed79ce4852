/**
 * Every duration that something elsewhere relies on, in milliseconds. What they promise each other stands in
 * `test/times.test.ts`, an inequality each with the sentence that it protects: whoever changes one reads there who counts
 * on it. Durations that nobody else relies on stay where they are used.
 */

/** How long a silent owner keeps a range, by the database's clock. A batch takes milliseconds. */
export const leaseMs = 8_000;
/** What waits for a place or a lock renews its lease, or sends its rotation's heartbeat, so often. */
export const heartbeatWhileWaitingMs = 2_000;
/** How long a range that is swept waits for those beside it, to be proved with them by one statement. */
export const proofsTogetherMs = 1_000;
/** How often a rotation that is swept is brought up to date, at most. */
export const heartbeatEveryMs = 200;
/** A heartbeat of the future: the database's clock has stepped back. Also in SQL: `rekey.claim_range`. */
export const clockAheadMs = 10_000;

/** How long a process sweeps on by what it knew of a rotation's speed limit, and of its part in it. */
export const speedLimitMs = 400;

/** BullMQ's: how long a job is its worker's without renewal, and how often it is looked for those that lapsed. */
export const jobLockMs = 6_000;
export const stalledEveryMs = 3_000;
/** No worker of ours asks for as long: such a lock is nobody's. */
export const foreignLockMs = 60_000;
/** Between attempts at what met trouble: doubling, with jitter. */
export const backoffMs = { first: 250, max: 10_000 } as const;

/**
 * While a KMS refuses a KEK or does not find it: a pause as long as that has lasted, within these, and from when on such a
 * rotation is taken for one that nobody works on.
 */
export const kekSuspendedMs = { first: 30_000, max: 600_000, overdue: 630_000 } as const;
/** For so long that must have lasted, since the call, before it ends a rotation that has not switched. */
export const kekRefusedMs = 24 * 60 * 60_000;

/** A worker's other work, drains and recovery among it, is done so often. */
export const choresEveryMs = { least: 700, most: 1_300 } as const;
/** After so long without a heartbeat it is looked whether a rotation's job is in the queue. */
export const silentMs = 3_000;
/** And after so long whether it is where a worker will be given it. */
export const overdueMs = 12_000;
/** From then on a rotation is said to wait for a worker: later while a worker said that it waits for something else. */
export const unattendedMs = { running: 5_000, waiting: 20_000 } as const;
/** For so long ordinary work gives way to a rotation because of a compromised key that no worker has taken up yet. */
export const compromiseQueuedMs = 60_000;
/** So often it is looked who is in the way of a drain, for each tenant. */
export const drainLookEveryMs = 5_000;

/** A rotation that met a part of the schema missing and then was not seen for so long was well meanwhile. */
export const missingForgottenMs = 30_000;
/** For so long a part of the schema may be missing, as while it is restored, before that ends a rotation. */
export const schemaMissingMs = 60_000;
/** For so long a DEK's bytes must have been unusable, for whichever worker, before that ends a rotation. */
export const keyUnusableMs = 60_000;
/** How long ago Postgres may have said that its disk is full, and we take it to be so still. */
export const shortageMs = 12_000;

/** What the sweep waits for a lock while it holds others, and at most for one record while it holds none. */
export const lockWaitMs = { batch: 50, recordMost: 700 } as const;

/** A live snapshot in Redis is old news so long after it was read; a final one is kept for latecomers. */
export const snapshotMs = { live: 3_000, final: 600_000 } as const;
/** For so long after Postgres was asked the API believes Redis. */
export const redisBelievedMs = 10_000;
/** How long Redis may take for a ticket that somebody's answer waits for, and for many. */
export const enqueueMs = { one: 300, many: 2_000 } as const;

/** How long a store waits for a connection to come about: an API, for whose answer somebody waits, and a worker. */
export const connectMs = { api: 2_000, worker: 5_000 } as const;
/** How long a caller queues for one of a pool's connections. */
export const queueMs = 8_000;
/** How long a connection may be silent: its other end is lost then. A worker's heartbeat has its own wait for a lock. */
export const takenMaxMs = { api: 3_000, worker: 15_000 } as const;
export const heartbeatWaitsMs = 1_000;

/** What the API gives a request to arrive, and a socket on which nothing moves. */
export const requestTimeoutMs = 10_000;
export const connectionTimeoutMs = 15_000;

/** A stopping worker hands its jobs back, then closes its connections; and when a process ends in any case. */
export const handBackMs = 3_000;
export const disconnectMs = 500;
export const shutdownMs = 10_000;

/** How long an unwrapped DEK is used after its KEK last unwrapped it, and while that KEK's KMS is away. */
export const dekAgeMs = { max: 300_000, maxWhileAway: 3_600_000 } as const;

/** For so long nobody asks a KEK again for a DEK that it has refused. */
export const refusalKeptMs = 1_000;

/** How often a worker or a vault reports what it has opened, and how long it takes for its last report when it ends. */
export const reportEveryMs = { least: 30_000, most: 60_000 } as const;
export const reportLastMs = 1_000;
/** How often a process tries whether its KEKs wrap and unwrap. */
export const roundTripEveryMs = 600_000;
/** And how often it says that it is there; without that for so long nobody waits for it. Also in SQL: `rekey.is_at_work`. */
export const processBeatMs = { every: 10_000, gone: 45_000 } as const;
/** From when on a process is silent. Also in SQL: `rekey.process_state`. */
export const processSilentMs = 180_000;

/** How often the API counts what there is to do, and from when on it says nothing of it rather than something old. */
export const figuresMs = { every: 5_000, old: 15_000 } as const;

/** While something is swept, it is looked so often how the database bears it, and a process says again what holds it back. */
export const throttleMs = { lookEvery: 250, sayEvery: 3_000 } as const;
/** From when on a process that said so is taken to hold back nothing any more. Also in SQL: `rekey.note_throttle`. */
export const throttleSilentMs = 10_000;
/** How long an operator's switch, a query or a URL, may take to answer. */
export const askedMs = 1_000;

export { type HoursState, type OpenHours, type Weekday, weekdays } from './open-hours.ts';
