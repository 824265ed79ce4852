import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rotation } from '@rekey/client';
import { explain } from '../../apps/cli/src/explain.ts';

const counts = (secrets: number) => ({ credentials: 0, apiKeys: 0, secrets });
const rotation: Rotation = {
  rotationId: 'rot-2',
  tenantId: 't-1',
  retryOf: null,
  status: 'completed',
  phase: 'done',
  previousKeyId: 'dek-1',
  newKeyId: 'dek-2',
  startedAt: '2026-03-01T10:00:00.000Z',
  switchedAt: '2026-03-01T10:00:02.000Z',
  drainedAt: '2026-03-01T10:00:03.000Z',
  completedAt: '2026-03-01T10:02:00.000Z',
  estimatedCompletion: '2026-03-01T10:02:00.000Z',
  estimatedRange: null,
  itemsToRotate: counts(1_200),
  itemsRotated: counts(1_200),
  itemsSuperseded: counts(0),
  itemsFailed: counts(0),
  itemsRemaining: counts(0),
  targets: [],
  percentComplete: 100,
  itemsPerSecond: 10,
  itemsPerSecondMax: null,
  compromise: false,
  supersededBy: null,
  windows: null,
  policyVersion: null,
  waitingFor: null,
  waitingDetail: null,
  failureReason: null,
  initiatedBy: { id: 'ada', name: null, email: null },
  throttledBy: null,
};

const told = (changes: Partial<Rotation>): string => explain({ ...rotation, ...changes }, []).join('\n');

test('a rotation that switched says when the new key became active, and in place of which', () => {
  const story = told({});
  assert.match(story, /ada asked for a new key for the tenant t-1\./);
  assert.match(story, /The new key, dek-2, became active 2\.0 s later, in place of dek-1\./);
  assert.match(story, /re-encrypted 1,200 records\./);
  assert.match(story, /completed on 2026-03-01 at 10:02:00 UTC, 2 min after the call\./);
});

test('a retry, whose switch was before its call, speaks of no new key', () => {
  const story = told({ retryOf: 'rot-1', switchedAt: '2026-02-01T08:00:00.000Z' });
  assert.match(story, /ada asked for what rot-1 left to be re-encrypted, for the tenant t-1\./);
  assert.match(story, /records go to dek-2, which was active since 2026-02-01 at 08:00:00 UTC\./);
  assert.doesNotMatch(story, /became active|later, in place of/);
});

test('one that has not switched, was cancelled or failed says so, and what is left', () => {
  const before = { switchedAt: null, drainedAt: null, completedAt: null, itemsRotated: counts(0) };
  assert.match(
    told({ ...before, status: 'in_progress' }),
    /dek-2, is not active yet.*applications use dek-1/,
  );
  assert.match(
    told({ ...before, status: 'cancelled', completedAt: rotation.completedAt }),
    /never became active/,
  );
  const left = { itemsRotated: counts(200), itemsRemaining: counts(1_000) };
  assert.match(told({ ...left, status: 'cancelled' }), /1,000 records are still on an older key/);
  assert.match(
    told({ ...left, status: 'failed', failureReason: 'KEK_DENIED' }),
    /It failed on .*: KEK_DENIED\./,
  );
  assert.match(told({ ...left, status: 'in_progress', completedAt: null }), /1,000 records are left/);
});
