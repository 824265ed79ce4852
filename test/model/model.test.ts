/** The model holds. What it says: docs/model.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tool } from '../harness/tool.ts';
import { on, progress, safety } from './scenes.ts';
import { check } from './spin.ts';

const spin = await tool('spin');

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
