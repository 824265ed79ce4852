import type { Rotation } from '@rekey/contract';
import type { Activity, Scene } from '@rekey/demo';

const none = { credentials: 0, apiKeys: 0, secrets: 0 };
export const counts = { credentials: 25, apiKeys: 10, secrets: 50 };

/** A rotation of 85 records as the API tells of it: complete unless said otherwise. */
export function rotation(other: Partial<Rotation> = {}): Rotation {
  return {
    rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
    tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
    retryOf: null,
    status: 'completed',
    phase: 'done',
    previousKeyId: 'dek-7b1f3c52-8f0e-4c58-9d0a-2f6f5a1f0c3d',
    newKeyId: 'dek-0a4ff2c6-6a2d-4f0c-9a57-5c8f9c1f8f11',
    startedAt: '2025-07-10T14:35:00.000Z',
    switchedAt: '2025-07-10T14:35:00.100Z',
    drainedAt: '2025-07-10T14:35:00.101Z',
    completedAt: '2025-07-10T14:35:01.000Z',
    estimatedCompletion: '2025-07-10T14:35:01.000Z',
    estimatedRange: null,
    itemsToRotate: counts,
    itemsRotated: { credentials: 20, apiKeys: 10, secrets: 49 },
    itemsSuperseded: { credentials: 5, apiKeys: 0, secrets: 1 },
    itemsFailed: none,
    itemsRemaining: none,
    targets: [],
    percentComplete: 100,
    itemsPerSecond: 0,
    itemsPerSecondMax: null,
    compromise: false,
    supersededBy: null,
    windows: null,
    policyVersion: null,
    waitingFor: null,
    waitingDetail: null,
    failureReason: null,
    initiatedBy: { id: 'a', name: null, email: null },
    throttledBy: null,
    ...other,
  };
}

/** The same half way through. */
export function halfWay(other: Partial<Rotation> = {}): Rotation {
  return rotation({
    status: 'in_progress',
    phase: 'sweeping',
    completedAt: null,
    itemsRemaining: { credentials: 5, apiKeys: 10, secrets: 25 },
    percentComplete: 52.9,
    itemsPerSecond: 21_500,
    estimatedCompletion: '2025-07-10T14:35:07.000Z',
    estimatedRange: null,
    ...other,
  });
}

export function activity(errors = 0): Activity {
  const tally = (done: number) => ({ done, errors: 0, longestMs: 12.3 });
  return {
    reads: { before: tally(900), during: tally(120), after: { done: 0, errors: 0, longestMs: 0 } },
    writes: { before: tally(250), during: { ...tally(30), errors }, after: tally(0) },
    troubles: errors === 0 ? [] : ['secrets 1 held a value never written'],
  };
}

export function scene(other: Partial<Scene> = {}): Scene {
  return {
    period: 'during',
    counts,
    rotation: halfWay(),
    sinceCallMs: 1_500,
    nowMs: Date.parse('2025-07-10T14:35:00.000Z'),
    activity: activity(),
    readsPerSecond: 612.4,
    writesPerSecond: 188,
    running: ['API 4711', 'worker 1 4712', 'worker 2 4713'],
    ...other,
  };
}
