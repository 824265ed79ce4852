/** The model notices each safeguard that is left out. What it says: docs/model.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tool } from '../harness/tool.ts';
import { on, progress, safety } from './scenes.ts';
import { check, type Macros } from './spin.ts';

const spin = await tool('spin');

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
