/** For missing-tools.test.ts: tests that lack tools, and one that is skipped for another reason. */
import { test } from 'node:test';
import { MISSING_TOOL } from '../harness/missing-tools.ts';

test('works', () => {});
test('lacks one', { skip: `${MISSING_TOOL}spin: it needs cc, which is not installed` }, () => {});
test('lacks another', { skip: `${MISSING_TOOL}postgres-15: up to 75 MB` }, () => {});
test('lacks the same', { skip: `${MISSING_TOOL}spin: it needs cc, which is not installed` }, () => {});
test('is skipped', { skip: 'another day' }, () => {});
