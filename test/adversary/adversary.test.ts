import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { mutants } from '../permutations/mutants.ts';
import { mutate } from '../permutations/run-schedules.ts';
import { runAdversary } from './adversary.ts';
import { kinds } from './kinds.ts';
import { render } from './render.ts';

const seed = 20_261_128;

for (const slots of [1, 8] as const) {
  test(`nineteen kinds of writers against switches with ${slots === 1 ? 'one lock' : 'eight locks'} per DEK: a proof holds, and no holder is refused`, async (t) => {
    const database = await createTestDatabase(t);
    const report = await runAdversary({ database, seconds: 5, slots, seed });
    t.diagnostic(render(report));
    assert.deepEqual(report.committedAfterProof, {});
    assert.deepEqual(report.unexpected, []);
    // Else it would show nothing.
    assert.ok(report.proofs > 5 && report.switches.drainedLater > 0 && report.writes > 200);
    for (const kind of Object.keys(kinds))
      assert.ok((report.outcomes.get(kind)?.get('committed') ?? 0) > 0, `no write ${kind} was committed`);
    const refused = [...report.outcomes.values()].reduce((sum, met) => sum + (met.get('RK001') ?? 0), 0);
    assert.ok(refused > 0, 'the fence was met');
  });
}

test('a proof before the drain is seen to be false', async (t) => {
  const database = await createTestDatabase(t);
  const report = await runAdversary({ database, seconds: 4, slots: 1, seed, provesEarly: true });
  assert.notDeepEqual(report.committedAfterProof, {});
});

test('without the share lock a proof is seen to be false', async (t) => {
  const mutant = mutants.find(({ name }) => name === 'no share lock');
  if (mutant === undefined) throw new Error('that mutant has another name now');
  const database = await createTestDatabase(t);
  await mutate(database.pool({ max: 1 }), mutant);
  const report = await runAdversary({ database, seconds: 4, slots: 1, seed });
  assert.notDeepEqual(report.committedAfterProof, {});
});
