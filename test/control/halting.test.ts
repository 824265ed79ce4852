/** What is commanded of a rotation while somebody has the row of one of its ranges: a slow batch, or a session of a person. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { cancelRotation, limitRotation, pauseRotation, resumeRotation, startRotation } from '@rekey/control';
import { claimRange, renewLease } from '@rekey/data';
import { inTransaction, openStore } from '@rekey/db';
import type { OpenHours } from '@rekey/times';
import { holdsNobody } from '../harness/holds-nobody.ts';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sweepFacts } from '../harness/sweep-facts.ts';
import { beginSweep, type SweepStep } from '../harness/sweep-step.ts';

const core = await rotationCore();
const { store, pool } = core;

const actor = { kind: 'user', realm: '', id: 'ada', name: null, email: null } as const;
const steering = { actor, reason: null };

const pause = ({ rotationId }: SweepStep) => pauseRotation(store, rotationId, steering);
const cancel = ({ rotationId }: SweepStep) => cancelRotation(store, rotationId, steering);
const giveHours = ({ rotationId }: SweepStep, windows: readonly OpenHours[] | null) =>
  limitRotation(store, rotationId, { ...steering, windows, mayRaise: true });

const hour = (later: number): string => new Date(Date.now() + later * 3_600_000).toISOString().slice(11, 16);
const closedHours = (): OpenHours[] => [
  {
    days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
    from: hour(4),
    to: hour(6),
    timeZone: 'UTC',
  },
];

const ofLease = ({ lease }: SweepStep) => [lease.rotationId, lease.target, lease.ordinal, lease.owner];

/** A batch that has its lease and does not come to its end. */
async function inABatch(
  sweep: SweepStep,
  meanwhile: (batch: { note(ids?: string[]): Promise<boolean>; end(): Promise<unknown> }) => Promise<void>,
  { naming = [] }: { naming?: string[] } = {},
): Promise<void> {
  const client = await pool.connect();
  const note = async (ids: string[] = []): Promise<boolean> => {
    const { rows } = await client.query<{ noted: boolean }>(
      `select rekey.note_batch($1, $2, $3, $4, 3, 3, null, $5, $6) as noted`,
      [
        ...ofLease(sweep),
        ids.length === 0 ? null : ids,
        ids.length === 0 ? null : ids.map(() => 'MALFORMED'),
      ],
    );
    return rows[0]?.noted === true;
  };
  try {
    await client.query('begin');
    const { rows } = await client.query('select rekey.hold_lease($1, $2, $3, $4) as held', ofLease(sweep));
    assert.deepEqual(rows, [{ held: true }]);
    if (naming.length > 0) assert.equal(await note(naming), true);
    await meanwhile({ note, end: () => client.query('commit') });
  } finally {
    await client.query('rollback');
    client.release();
  }
}

const sweeping = async (records = 34): Promise<SweepStep> =>
  beginSweep(core, (await core.tenantWith(records)).tenantId);

const onOlderKeys = async ({ tenantId, newKeyNumber }: SweepStep): Promise<number> =>
  (await pool.query('select from secrets where tenant_id = $1 and key_number < $2', [tenantId, newKeyNumber]))
    .rowCount ?? 0;

test('a pause does not wait for a batch that takes long; that one is the last, and counts once it goes on', async () => {
  const sweep = await sweeping();
  const read = await sweep.read();
  await inABatch(sweep, async ({ note, end }) => {
    const paused = await holdsNobody(pause(sweep));
    assert.deepEqual([paused.kind, 'view' in paused && paused.view.status], ['changed', 'paused']);
    assert.equal(await note(), true, 'the batch that was under way');
    await end();
  });
  assert.equal(await sweep.write(read), null, 'the next one');
  assert.equal(await onOlderKeys(sweep), 34, 'nothing was written');
  assert.equal(await renewLease(store, sweep.lease), false);
  assert.equal((await sweepFacts(pool, sweep.rotationId)).rotated, 3);

  const resumed = await resumeRotation(store, sweep.rotationId, steering);
  assert.equal(resumed.kind, 'changed');
  const range = { rotationId: sweep.rotationId, target: 'secrets', ordinal: 0 };
  assert.notEqual(
    await claimRange(store, range, randomUUID()),
    null,
    'it was given back: nobody waits for it to lapse',
  );
});

test('one that is resumed within the batch is swept on under the same lease', async () => {
  const sweep = await sweeping();
  const read = await sweep.read();
  await inABatch(sweep, async ({ note, end }) => {
    await holdsNobody(pause(sweep));
    assert.equal((await resumeRotation(store, sweep.rotationId, steering)).kind, 'changed');
    assert.equal(await note(), true);
    await end();
  });
  assert.equal(await renewLease(store, sweep.lease), true);
  assert.equal(await sweep.write(read), 34);
});

test('other ranges than the one that is held are taken at once, by a pause as before', async () => {
  const { tenantId } = await core.tenantWith(34);
  const sweep = await beginSweep(core, tenantId);
  await pool.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned, owner) values ($1, 'secrets', 7, 1, $2)`,
    [sweep.rotationId, randomUUID()],
  );
  await inABatch(sweep, async () => {
    await holdsNobody(pause(sweep));
  });
  const { rows } = await pool.query(
    `select ordinal from rekey.rotation_ranges where rotation_id = $1 and owner is not null`,
    [sweep.rotationId],
  );
  assert.deepEqual(rows, [{ ordinal: 0 }]);
});

/** As the API's, less patient. */
const impatient = openStore({
  ...patient,
  url: core.database.url,
  max: 2,
  session: { lock_timeout: 1_000 },
  onError() {},
});
after(() => impatient.end());

test('a cancel that a batch is in the way of leaves a pause, waits for that batch only, and counts it', async () => {
  const sweep = await sweeping();
  const read = await sweep.read();
  await inABatch(sweep, async ({ note, end }) => {
    await assert.rejects(cancelRotation(impatient, sweep.rotationId, steering), { code: 'LOCKED' });
    assert.equal((await core.view(sweep.rotationId)).status, 'paused');
    const cancelling = cancel(sweep);
    assert.equal(await note(), true);
    await end();
    const cancelled = await holdsNobody(cancelling);
    assert.ok(cancelled.kind === 'changed' && cancelled.view.status === 'cancelled');
    assert.equal(cancelled.view.itemsRotated.secrets, 3, 'what the batch counted');
  });
  assert.equal(await sweep.write(read), null);
  const owned = 'select from rekey.rotation_ranges where rotation_id = $1 and owner is not null';
  assert.equal((await pool.query(owned, [sweep.rotationId])).rowCount, 0);
  const next = await core.startAndRotate(sweep.tenantId);
  assert.equal(next.status, 'completed');
  assert.equal(await onOlderKeys({ ...sweep, newKeyNumber: sweep.newKeyNumber + 1 }), 0);
});

test('so does one because of a compromised key in its place, however many batches come one after the other', async () => {
  const sweep = await sweeping();
  const call = {
    rotationId: randomUUID(),
    newDekId: randomUUID(),
    tenantId: sweep.tenantId,
    initiatedBy: actor,
    idempotency: null,
    compromise: true,
  };
  await inABatch(sweep, async ({ end }) => {
    await assert.rejects(startRotation(impatient, call), { code: 'LOCKED' });
    assert.equal((await core.view(sweep.rotationId)).status, 'paused');
    await end();
  });
  const started = await startRotation(impatient, call);
  assert.equal(started.kind, 'started');
  assert.equal((await core.view(sweep.rotationId)).status, 'cancelled');
});

test('a batch that names records, and so shares the key of the rotation’s row, is not waited for', async () => {
  const { tenantId, ids } = await core.tenantWith(34);
  const [first = '', second = ''] = ids;
  const sweep = await beginSweep(core, tenantId);
  await inABatch(
    sweep,
    async ({ note, end }) => {
      assert.equal((await holdsNobody(pause(sweep))).kind, 'changed');
      assert.equal(await note([second]), true);
      await end();
    },
    { naming: [first] },
  );
  const { rows } = await pool.query<{ failed: string }>(
    `select sum(failed) as failed from rekey.rotation_ranges where rotation_id = $1`,
    [sweep.rotationId],
  );
  assert.equal(Number(rows[0]?.failed), 2, 'what it named is counted');
});

test('windows that close do not wait for it, and the next batch is turned away', async () => {
  const sweep = await sweeping();
  const read = await sweep.read();
  await inABatch(sweep, async ({ note, end }) => {
    assert.equal((await holdsNobody(giveHours(sweep, closedHours()))).kind, 'changed');
    assert.equal(await note(), true);
    await end();
  });
  assert.equal(await sweep.write(read), null);
  assert.equal(await onOlderKeys(sweep), 34);
  assert.equal((await giveHours(sweep, null)).kind, 'changed');
  const range = { rotationId: sweep.rotationId, target: 'secrets', ordinal: 0 };
  assert.notEqual(await claimRange(store, range, randomUUID()), null);
});

test('a rotation’s own row is waited for, for as long as the caller has, and told as locked', async () => {
  const sweep = await sweeping();
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('update rekey.rotations set version = version + 1 where id = $1', [sweep.rotationId]);
    await assert.rejects(
      inTransaction(store, async (tx) => {
        await tx.query(`set local lock_timeout = '900ms'`);
        await tx.query('select from rekey.hold_still($1)', [sweep.rotationId]);
      }),
      { code: 'LOCKED' },
    );
  } finally {
    await client.query('rollback');
    client.release();
  }
  assert.equal((await core.view(sweep.rotationId)).status, 'in_progress');
});
