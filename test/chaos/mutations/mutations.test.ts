import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { faultKinds } from '../faults/kinds.ts';
import { mutations } from './mutations.ts';

const root = new URL('../../../', import.meta.url);

for (const { name, changes, faults } of mutations) {
  test(`the safeguard can be taken out of the code as it is now: ${name}`, async () => {
    for (const { file, from, to } of changes) {
      const text = await readFile(new URL(file, root), 'utf8');
      assert.equal(text.split(from).length, 2, `${file} has changed`);
      assert.notEqual(from, to);
    }
    for (const fault of faults) assert.ok(faultKinds.includes(fault), fault);
  });
}
