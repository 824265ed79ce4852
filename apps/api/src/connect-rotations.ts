import { timelineEventsMax } from '@rekey/contract';
import {
  beginToFollow,
  findCertificate,
  findMarks,
  findPlan,
  findPlanOf,
  findSnapshot,
  findSnapshots,
  foldRanges,
  listFailures,
  listRotations,
  listSigningKeys,
  readFollowed,
  readSamples,
  readTimeline,
  summarize,
} from '@rekey/control';
import type { Store } from '@rekey/db';
import { checkApiWork, checkSchema } from '@rekey/schema';
import type { Rotations } from './dependencies.ts';

/** What is read, bound to one pool. */
export function connectRotations(store: Store): Rotations {
  return {
    find: (rotationId) => findSnapshot(store, rotationId),
    findAll: (rotationIds) => findSnapshots(store, rotationIds),
    marks: (rotationIds) => findMarks(store, rotationIds),
    list: (filter, page) => listRotations(store, filter, page),
    failures: (rotationId, page) => listFailures(store, rotationId, page),
    timeline: (rotationId) => readTimeline(store, rotationId, timelineEventsMax),
    ranges: (rotationId, cells) => foldRanges(store, rotationId, cells),
    samples: (rotationId) => readSamples(store, rotationId),
    summarize: (tenantId) => summarize(store, tenantId),
    beginToFollow: (rotationId, lastSeen) => beginToFollow(store, rotationId, lastSeen),
    readFollowed: (followed, eventsMax) => readFollowed(store, followed, eventsMax),
    plan: (planId) => findPlan(store, planId),
    planOf: (rotationId) => findPlanOf(store, rotationId),
    certificate: (rotationId) => findCertificate(store, { kind: 'rotation', subject: rotationId }),
    signingKeys: () => listSigningKeys(store),
    checkSchema: () => checkSchema(store),
    checkWork: () => checkApiWork(store),
  };
}
