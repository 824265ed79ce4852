import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSmallRanges,
  createSteps,
  diagnose,
  prepareSweep,
  type RotationEnvironment,
  rotate,
  sweepHere,
} from '@rekey/rotation';
import type { PoolClient } from 'pg';
import { rotationCore } from '../harness/rotation.ts';
import { type SeededTenant, seedTenant } from '../harness/seed.ts';
import { sweepFacts } from '../harness/sweep-facts.ts';

const core = await rotationCore();
const never = new AbortController().signal;

/** As a worker process has it. */
function worker(): RotationEnvironment {
  const own = core.environment();
  return { ...own, steps: createSteps(own), smallRanges: createSmallRanges(own) };
}

/** The texts of all that is sent to Postgres for sweeping, COPY among it. */
function sweeping({ sweepStore }: RotationEnvironment): string[] {
  const texts: string[] = [];
  const known = new WeakSet<PoolClient>();
  sweepStore.on('acquire', (client: PoolClient) => {
    if (known.has(client)) return;
    known.add(client);
    const query = client.query.bind(client) as (...sent: unknown[]) => unknown;
    Object.assign(client, {
      query(statement: string | { readonly text?: string }, ...others: unknown[]) {
        texts.push(typeof statement === 'string' ? statement : (statement.text ?? ''));
        return query(statement, ...others);
      },
    });
  });
  return texts;
}

test('the ranges of one rotation are read, written and proved by a statement each, in whatever tables they are', async () => {
  const env = worker();
  const texts = sweeping(env);
  const { tenantId } = await seedTenant(core.vault, 85);
  const rotationId = await core.start(tenantId);
  assert.equal(await rotate(env, rotationId, never), 'done');
  const count = (part: RegExp): number => texts.filter((text) => part.test(text)).length;
  assert.deepEqual(
    [count(/^copy/), count(/rekey\.note_batch/), count(/prove_/)],
    [1, 1, 1],
    texts.join('\n'),
  );
  assert.equal((await core.view(rotationId)).status, 'completed');
  assert.deepEqual(await sweepFacts(core.pool, rotationId), {
    sealed: 85,
    rotated: 85,
    passes: 1,
    unproved: 0,
  });
});

const troubles: ReadonlyArray<readonly [what: string, begin: string, end: string]> = [
  [
    'loses a column',
    'alter table secrets rename ciphertext to sealed',
    'alter table secrets rename sealed to ciphertext',
  ],
  ['is renamed', 'alter table secrets rename to hidden', 'alter table hidden rename to secrets'],
  ['is locked', 'begin; lock table secrets in access exclusive mode', 'rollback'],
];

for (const [what, begin, end] of troubles)
  test(`a table that ${what} once small ranges are planned holds up its own, and none of the tables that go along`, async () => {
    const env = worker();
    const tenants: SeededTenant[] = [];
    for (let n = 0; n < 3; n += 1) tenants.push(await seedTenant(core.vault, 34));
    const rotationIds = await Promise.all(tenants.map(({ tenantId }) => core.start(tenantId)));
    const prepared = await Promise.all(
      rotationIds.map((rotationId) => prepareSweep(env, rotationId, never, { claimItemsMax: 34 })),
    );
    const client = await core.pool.connect();
    let outcomes: ReadonlyArray<PromiseSettledResult<unknown>>;
    try {
      await client.query(begin);
      outcomes = await Promise.allSettled(
        prepared.map((sweep) => {
          assert.ok(sweep);
          return sweepHere(env, sweep, never);
        }),
      );
    } finally {
      await client.query(end);
      client.release();
    }
    for (const outcome of outcomes) {
      assert.equal(outcome.status, 'rejected');
      if (outcome.status === 'rejected') assert.equal(diagnose(outcome.reason).kind, 'transient');
    }
    const { rows } = await core.pool.query(
      `select distinct target, proved_at is not null as proved, rotated from rekey.rotation_ranges
       where rotation_id = any($1) order by target`,
      [rotationIds],
    );
    assert.deepEqual(rows, [
      { target: 'api_keys', proved: true, rotated: '4' },
      { target: 'credentials', proved: true, rotated: '10' },
      { target: 'secrets', proved: false, rotated: '0' },
    ]);
    for (const rotationId of rotationIds) {
      assert.equal((await core.finish(rotationId)).status, 'completed');
      const { rotated, unproved } = await sweepFacts(core.pool, rotationId);
      assert.deepEqual({ rotated, unproved }, { rotated: 34, unproved: 0 });
    }
  });
