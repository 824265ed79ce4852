/** For again.test.ts: fails where FAILS_ONCE, a file, is not there, and makes it. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

const file = process.env.FAILS_ONCE ?? '/dev/full';
const before = existsSync(file);
if (file !== '/dev/full') writeFileSync(file, '');

test('passes the second time', () => assert.ok(before && file !== '/dev/full'));
