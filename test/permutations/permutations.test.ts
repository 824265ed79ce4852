import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { mutants } from './mutants.ts';
import { mutatedBy } from './parties.ts';
import { mutate, runSchedules } from './run-schedules.ts';

const seed = 20_261_128;

test('a thousand orders of the steps of writers, switch, sweep and proof lose nothing and prove nothing false', async (t) => {
  const database = await createTestDatabase(t);
  const run = await runSchedules(database.pool({ max: 30 }), { seed, schedules: 1_000 });
  t.diagnostic(`${run.orders} orders; somebody waited in ${run.waited}, a range was proved in ${run.proved}`);
  assert.deepEqual(run.found, []);
  // Else it would show nothing.
  assert.ok(run.waited > 20 && run.proved > 50 && run.orders > 500);
});

for (const mutant of mutants) {
  test(`without a safeguard some order shows it: ${mutant.name}`, async (t) => {
    const database = await createTestDatabase(t);
    const pool = database.pool({ max: 30 });
    await mutate(pool, mutant);
    const { statement, cast } = mutant;
    const run = await runSchedules(pool, {
      seed,
      schedules: 3_000,
      untilFound: true,
      ...(statement === undefined ? {} : { statement }),
      ...(cast === undefined ? {} : { cast }),
    });
    t.diagnostic(`after ${run.schedules}: ${run.found[0]?.violations[0]} (${run.found[0]?.trace.join(' ')})`);
    if (statement !== undefined) assert.ok(mutatedBy.has(statement.from), 'no statement has this safeguard');
    assert.ok(run.found.length > 0);
  });
}
