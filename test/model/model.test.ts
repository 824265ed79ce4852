/** The model is right, and notices each safeguard that is left out. What it says: docs/model.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tool } from '../harness/tool.ts';
import { check, type Macros } from './spin.ts';

const spin = await tool('spin');
const on = null;

const safety = {
  'one rotation, two workers, a pause, a cancel': { ROTATIONS: 1 },
  'two rotations, the first perhaps cancelled while it drains': { ROTATIONS: 2, WORKERS: 1, PAUSES: 0 },
  'two rotations, a worker that comes back in the second': { ROTATIONS: 2, STALE: 0, PAUSES: 0 },
  'two records, one of them inserted meanwhile': { ROTATIONS: 1, NR: 2, PAUSES: 0 },
} as const satisfies Record<string, Macros>;

const progress = {
  'drains while two stale writers never rest': {
    DRAINS: on,
    NR: 2,
    TWO_PLAIN: on,
    FOR_EVER: on,
    WORKERS: 1,
    ROTATIONS: 1,
    CANCELS: 0,
    PAUSES: 0,
  },
  'ends, whichever worker is silent, paused and resumed': { ENDS: on, ROTATIONS: 1, STALE: 0, CANCELS: 0 },
  'ends after one that was cancelled while it drained': { ENDS: on, ROTATIONS: 2, WORKERS: 1, PAUSES: 0 },
  'keeps no writer waiting, though a transaction never ends': {
    FORGOTTEN: on,
    ROTATIONS: 1,
    WRITES: 2,
    WORKERS: 1,
    CANCELS: 0,
    PAUSES: 0,
  },
} as const satisfies Record<string, Macros>;

for (const [scene, macros] of Object.entries(safety)) {
  test(`holds: ${scene}`, { skip: spin.skip }, async (t) => {
    const { violated, states, report } = await check(spin.programs.spin, macros, {
      progress: false,
      all: true,
    });
    assert.equal(violated, null, report);
    t.diagnostic(`${states} states`);
  });

  test(`does complete: ${scene}`, { skip: spin.skip }, async () => {
    const { violated } = await check(
      spin.programs.spin,
      { ...macros, REACHED: on },
      { progress: false, all: false },
    );
    assert.match(String(violated), /assertion violated.*r<[12]/);
  });
}

for (const [scene, macros] of Object.entries(progress))
  test(`a rotation ${scene}`, { skip: spin.skip }, async (t) => {
    const { violated, states, report } = await check(spin.programs.spin, macros, {
      progress: true,
      all: true,
    });
    assert.equal(violated, null, report);
    t.diagnostic(`${states} states`);
  });

const one = safety['one rotation, two workers, a pause, a cancel'];
const two = safety['two rotations, the first perhaps cancelled while it drains'];
const insert = { ...safety['two records, one of them inserted meanwhile'] };
/** The fence alone has to keep what it promises. */
const bare = { ...insert, HOLDERS_MAY_BE_REFUSED: on };
const WRITTEN_AFTER_PROOF = /assertion violated \([kn]>=proof\)/;
const HOLDER_REFUSED = /assertion violated got/;
const NO_PROGRESS = /acceptance cycle/;

for (const [mutant, macros, expected] of [
  ['NO_SHARE', bare, WRITTEN_AFTER_PROOF],
  ['NO_SHARE', one, HOLDER_REFUSED],
  ['CLOSED_NOT_READ_ANEW', bare, WRITTEN_AFTER_PROOF],
  ['PROOF_BEFORE_DRAIN', one, WRITTEN_AFTER_PROOF],
  ['PROOF_BEFORE_DRAIN', two, WRITTEN_AFTER_PROOF],
  ['DRAIN_MISSES_A_HOLDER', one, WRITTEN_AFTER_PROOF],
  ['NO_CAS', one, /assertion violated \(value\[i\]==acknowledged\[i\]\)/],
  ['NO_LEASE', one, /assertion violated \(status\[r\]==/],
  ['PAUSE_IGNORED', one, /assertion violated +!\(held_back\)/],
  ['NUMBER_AFTER_POINTER', one, HOLDER_REFUSED],
  ['HORIZON_IN_SWITCH', one, HOLDER_REFUSED],
  ['NO_HORIZON', progress['drains while two stale writers never rest'], NO_PROGRESS],
  ['DRAIN_OF_THE_LAST_KEY_ONLY', progress['ends after one that was cancelled while it drained'], NO_PROGRESS],
  ['SWITCH_WAITS', progress['keeps no writer waiting, though a transaction never ends'], NO_PROGRESS],
] satisfies [string, Macros, RegExp][])
  test(`notices ${mutant} by ${expected.source}`, { skip: spin.skip }, async () => {
    const mutated = { ...macros, [`MUTANT_${mutant}`]: on };
    const { violated, report } = await check(spin.programs.spin, mutated, {
      progress: expected === NO_PROGRESS,
      all: false,
    });
    assert.match(String(violated), expected, report);
  });
