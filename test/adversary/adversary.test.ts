import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { mutants } from '../permutations/mutants.ts';
import { mutate } from '../permutations/run-schedules.ts';
import { type AdversaryReport, runAdversary } from './adversary.ts';
import { kinds } from './kinds.ts';
import { render } from './render.ts';

const seed = 20_261_128;

/** Every kind has written, the fence was met, and there were proofs behind drains that took their time. */
function shows({ proofs, switches, writes, outcomes }: AdversaryReport): boolean {
  const met = (what: string): number[] =>
    Object.keys(kinds).map((kind) => outcomes.get(kind)?.get(what) ?? 0);
  return (
    proofs > 5 &&
    switches.drainedLater > 0 &&
    writes > 200 &&
    met('committed').every((times) => times > 0) &&
    met('RK001').some((times) => times > 0)
  );
}

const isFalse = ({ committedAfterProof }: AdversaryReport): boolean =>
  Object.keys(committedAfterProof).length > 0;

for (const slots of [1, 8] as const) {
  test(`nineteen kinds of writers against switches with ${slots === 1 ? 'one lock' : 'eight locks'} per DEK: a proof holds, and no holder is refused`, async (t) => {
    const database = await createTestDatabase(t);
    const report = await runAdversary({ database, seconds: 5, slots, seed, shows });
    t.diagnostic(render(report));
    assert.deepEqual(report.committedAfterProof, {});
    assert.deepEqual(report.unexpected, []);
    assert.ok(shows(report), 'else it shows nothing');
  });
}

test('a proof before the drain is seen to be false', async (t) => {
  const database = await createTestDatabase(t);
  const report = await runAdversary({
    database,
    seconds: 4,
    slots: 1,
    seed,
    provesEarly: true,
    shows: isFalse,
  });
  assert.ok(isFalse(report));
});

test('without the share lock a proof is seen to be false', async (t) => {
  const mutant = mutants.find(({ name }) => name === 'no share lock');
  if (mutant === undefined) throw new Error('that mutant has another name now');
  const database = await createTestDatabase(t);
  await mutate(database.pool({ max: 1 }), mutant);
  const report = await runAdversary({ database, seconds: 4, slots: 1, seed, shows: isFalse });
  assert.ok(isFalse(report));
});
