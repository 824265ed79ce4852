import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { backoffMs as backoffOf } from '@rekey/jobs';
import {
  backoffMs,
  choresEveryMs,
  clockAheadMs,
  compromiseQueuedMs,
  connectionTimeoutMs,
  connectMs,
  disconnectMs,
  drainLookEveryMs,
  enqueueMs,
  figuresMs,
  foreignLockMs,
  handBackMs,
  heartbeatEveryMs,
  heartbeatWaitsMs,
  heartbeatWhileWaitingMs,
  jobLockMs,
  kekRefusedMs,
  kekSuspendedMs,
  keyUnusableMs,
  leaseMs,
  lockWaitMs,
  missingForgottenMs,
  overdueMs,
  proofsTogetherMs,
  queueMs,
  redisBelievedMs,
  requestTimeoutMs,
  schemaMissingMs,
  shortageMs,
  shutdownMs,
  silentMs,
  snapshotMs,
  speedLimitMs,
  stalledEveryMs,
  takenMaxMs,
  unattendedMs,
} from '@rekey/times';

/** Postgres' default: from then on a wait may end with somebody's transaction as the victim of a deadlock. */
const deadlockTimeoutMs = 1_000;
/** What a job of a worker that died waits for another one, at the longest. */
const takenOverMs = jobLockMs + 2 * stalledEveryMs;

/** The sentence, and what must be less than what for it to be true. */
const promises: ReadonlyArray<readonly [sentence: string, less: number, than: number]> = [
  [
    'Who is given the job of a dead worker at the latest moment finds its ranges free',
    leaseMs,
    takenOverMs + 1,
  ],
  [
    'A worker that waits for its turn may miss two heartbeats and keeps its range',
    3 * heartbeatWhileWaitingMs,
    leaseMs,
  ],
  [
    'A range that waits to be proved with others, and then for a place, and was renewed a while before, is kept',
    proofsTogetherMs + 2 * heartbeatWhileWaitingMs,
    leaseMs,
  ],
  [
    'A rotation on which a worker waits for its turn is not taken for silent',
    heartbeatWhileWaitingMs,
    silentMs,
  ],
  [
    "A rotation's other speed limit is known within a second, also by whoever waits for his turn",
    2 * speedLimitMs,
    1_000,
  ],
  [
    'A rotation that is swept is not taken for silent because a few heartbeats were late',
    10 * heartbeatEveryMs,
    silentMs,
  ],
  [
    'What there is to do is still told when one look for it fails, as long as that takes',
    2 * figuresMs.every + takenMaxMs.api,
    figuresMs.old,
  ],
  [
    'A live snapshot does not lapse because a few heartbeats were late',
    10 * heartbeatEveryMs,
    snapshotMs.live,
  ],
  [
    'A heartbeat that waits for a lock is over before the next ones make it old news',
    heartbeatWaitsMs,
    snapshotMs.live,
  ],
  [
    'A ticket that was lost is in the queue again before the status says that there is no worker',
    silentMs + choresEveryMs.most,
    unattendedMs.running,
  ],
  [
    'A job that waits for its next attempt is not taken for one that nobody will be given',
    backoffMs.max,
    overdueMs,
  ],
  [
    'A job that is put off while the KMS refuses the KEK is not taken for lost, nor its rotation for unattended',
    kekSuspendedMs.max + takenMaxMs.worker,
    kekSuspendedMs.overdue,
  ],
  [
    'A KEK that is suspended is asked for many times before it ends a rotation',
    100 * kekSuspendedMs.max,
    kekRefusedMs,
  ],
  [
    'A lost ticket because of a compromised key is in the queue again while ordinary work still gives way to it',
    overdueMs + 2 * choresEveryMs.most,
    compromiseQueuedMs,
  ],
  ['What is lost is first looked for where that is cheap', silentMs + 2 * choresEveryMs.most, overdueMs],
  [
    'A rotation that waits for something else is not said to wait for a worker between two attempts',
    backoffMs.max + takenMaxMs.api,
    unattendedMs.waiting,
  ],
  [
    'A rotation that drains is not said to wait for a worker between two looks',
    2 * drainLookEveryMs,
    unattendedMs.waiting,
  ],
  ['A lock on a job that one of our workers holds is not taken for nobody’s', jobLockMs, foreignLockMs],
  ['A full disk is remembered from one attempt at work to the next', backoffMs.max, shortageMs],
  [
    'A rotation that meets a missing schema at each attempt is not forgotten between two',
    2 * backoffMs.max,
    missingForgottenMs,
  ],
  [
    'That a part of the schema is missing is seen several times before it ends a rotation',
    4 * backoffMs.max,
    schemaMissingMs,
  ],
  [
    'Another worker has had its turn with a key before one that cannot use it ends the rotation',
    takenOverMs + backoffMs.max,
    keyUnusableMs,
  ],
  [
    'A batch that waits for a lock never makes an application the victim of a deadlock',
    lockWaitMs.batch,
    deadlockTimeoutMs,
  ],
  ['Nor does a record that is waited for by itself', lockWaitMs.recordMost, deadlockTimeoutMs],
  ['A heartbeat is given up before its connection is taken for dead', heartbeatWaitsMs, takenMaxMs.worker],
  [
    'A rotate call is answered while its ticket is not taken, well before a client gives up',
    enqueueMs.one,
    takenMaxMs.api / 2,
  ],
  [
    'Recovery’s tickets do not hold up the next turn for longer than it takes to be silent',
    enqueueMs.many,
    silentMs,
  ],
  [
    'Redis is believed for longer than a live snapshot lives, so that polls are served from it',
    snapshotMs.live,
    redisBelievedMs,
  ],
  [
    'A call that waits for a connection to a Postgres that is away is told so while it queues',
    connectMs.api,
    queueMs,
  ],
  ['A call that queues for a connection is answered before a stopping API is cut off', queueMs, shutdownMs],
  [
    'A request that arrives slowly is answered 408 before its socket is dropped',
    requestTimeoutMs,
    connectionTimeoutMs,
  ],
  [
    'A stopping worker has handed back its jobs and left before its process is ended',
    handBackMs + disconnectMs,
    shutdownMs,
  ],
  ['A worker that is told to stop has left within 5 s, whatever hangs', handBackMs + disconnectMs, 5_000],
  [
    'A stopping worker’s ranges and jobs that it could not hand back are taken over by their own',
    handBackMs,
    jobLockMs,
  ],
  [
    'A worker reaches a far Postgres before it would give the connection up',
    connectMs.worker,
    takenMaxMs.worker,
  ],
  ['A clock that is a lease ahead does not look as if it had stepped back', leaseMs, clockAheadMs],
];

for (const [sentence, less, than] of promises) {
  test(sentence, () => assert.ok(less < than, `${less} ms is not less than ${than} ms`));
}

test('back-offs grow from the first to the longest, and never beyond', () => {
  const longest = Array.from({ length: 100 }, (_, n) => backoffOf(n + 1, () => 1));
  assert.equal(longest[0], backoffMs.first);
  assert.equal(Math.max(...longest), backoffMs.max);
});

async function functionText(name: string): Promise<string> {
  return readFile(new URL(`../packages/schema/functions/${name}.sql`, import.meta.url), 'utf8');
}

test('what SQL functions say themselves is the same, or keeps the same promises', async () => {
  assert.match(await functionText('claim_range'), new RegExp(`interval '${clockAheadMs / 1_000} seconds'`));
  for (const name of ['switch_to_dek', 'wait_for_drain']) {
    const [, ms] = /set_config\('lock_timeout', '(\d+)ms'/.exec(await functionText(name)) ?? [];
    assert.ok(Number(ms) > 0 && Number(ms) < deadlockTimeoutMs, name);
  }
  // A key that is still honoured is not forgotten.
  const [, honoured] = /interval '(\d+) hours'/.exec(await functionText('claim_idempotency_key')) ?? [];
  const [, forgotten] = /interval '(\d+) hours'/.exec(await functionText('forget_idempotency_keys')) ?? [];
  assert.ok(Number(honoured) > 0 && Number(honoured) < Number(forgotten));
});

test('who holds up something that another relies on has its time from here', async () => {
  // A number of seconds written into code again would escape all of the above.
  for (const [file, names] of [
    ['apps/worker/src/queues.ts', ['jobLockMs', 'stalledEveryMs']],
    ['packages/data/src/range-lease.ts', ['leaseMs']],
    ['packages/control/src/unattended.ts', ['leaseMs', 'overdueMs', 'silentMs']],
    ['packages/jobs/src/snapshots.ts', ['snapshotMs']],
    ['apps/worker/src/housekeeping.ts', ['choresEveryMs']],
  ] as const) {
    const text = await readFile(new URL(`../${file}`, import.meta.url), 'utf8');
    const [, imported = ''] = /import \{([^}]*)\} from '@rekey\/times'/.exec(text) ?? [];
    for (const name of names) assert.ok(imported.split(/[\s,]+/).includes(name), `${file}: ${name}`);
    assert.doesNotMatch(text, /const \w+Ms = [\d_]{4,}/, file);
  }
});
