import {
  formatKeyId,
  formatRotationId,
  type RotateResponse,
  type Rotation,
  type RotationEvent as RotationEventJson,
  type RotationResponse,
  rotateMessage,
  type StartedRotation,
} from '@rekey/contract';
import { type RotationEvent, type RotationView, toldNow } from '@rekey/control';
import { type Caller, isSuperAdmin } from './auth/caller.ts';
import { success } from './success.ts';

/** The exact body of the 200 that starts a rotation. */
export function renderStarted(view: RotationView): string {
  return JSON.stringify(success<RotateResponse>(rotateMessage, startedJson(view)));
}

export function startedJson(view: RotationView): StartedRotation {
  return {
    ...identity(view),
    status: 'in_progress',
    ...keys(view),
    startedAt: view.startedAt.toISOString(),
    // One that was just started is not paused.
    estimatedCompletion: (view.estimatedCompletion ?? view.startedAt).toISOString(),
    itemsToRotate: view.itemsToRotate,
    initiatedBy: view.initiatedBy,
  };
}

/** As the caller may see it: the names of applications are for `super_admin`. */
export function rotationResponse(
  view: RotationView,
  message: RotationResponse['message'],
  caller: Caller,
): RotationResponse {
  return success<RotationResponse>(message, rotationJson(view, caller));
}

/** One rotation, as the caller may see it. */
export function rotationJson(found: RotationView, caller: Caller): Rotation {
  const view = toldNow(found, Date.now());
  return {
    ...identity(view),
    retryOf: view.retryOf === null ? null : formatRotationId(view.retryOf),
    status: view.status,
    phase: view.phase,
    ...keys(view),
    startedAt: view.startedAt.toISOString(),
    switchedAt: view.switchedAt?.toISOString() ?? null,
    drainedAt: view.drainedAt?.toISOString() ?? null,
    completedAt: view.completedAt?.toISOString() ?? null,
    estimatedCompletion: view.estimatedCompletion?.toISOString() ?? null,
    estimatedRange: rangeJson(view.estimatedRange),
    itemsToRotate: view.itemsToRotate,
    itemsRotated: view.itemsRotated,
    itemsSuperseded: view.itemsSuperseded,
    itemsFailed: view.itemsFailed,
    itemsRemaining: view.itemsRemaining,
    targets: view.targets.map(({ name, itemType, rotated, failed, remaining }) => ({
      name,
      itemType,
      itemsRotated: rotated,
      itemsFailed: failed,
      itemsRemaining: remaining,
    })),
    percentComplete: view.percentComplete,
    itemsPerSecond: view.itemsPerSecond,
    itemsPerSecondMax: view.itemsPerSecondMax,
    waitingFor: view.waitingFor,
    waitingDetail: detailFor(view.waitingDetail, caller),
    failureReason: view.failureReason,
    initiatedBy: view.initiatedBy,
    throttledBy: view.throttledBy,
    compromise: view.compromise,
    supersededBy: view.supersededBy === null ? null : formatRotationId(view.supersededBy),
    windows: view.windows?.map(({ days, ...hours }) => ({ ...hours, days: [...days] })) ?? null,
    policyVersion: view.policyVersion,
  };
}

function rangeJson(range: RotationView['estimatedRange']): Rotation['estimatedRange'] {
  if (range === null) return null;
  return { earliest: range.earliest.toISOString(), latest: range.latest?.toISOString() ?? null };
}

/** An event of a rotation, as people read it. */
export function rotationEventJson(event: RotationEvent): RotationEventJson {
  return { ...event, at: event.at.toISOString() };
}

function detailFor(detail: RotationView['waitingDetail'], caller: Caller): Rotation['waitingDetail'] {
  if (detail === null) return null;
  const { what, since, todo, holders } = detail;
  const shown = holders?.map((holder) => ({
    ...holder,
    applicationName: isSuperAdmin(caller) ? holder.applicationName : null,
  }));
  return { what, since, todo, ...(shown === undefined ? {} : { holders: shown }) };
}

function identity(view: RotationView) {
  return { rotationId: formatRotationId(view.id), tenantId: view.tenantId };
}

function keys(view: RotationView) {
  return {
    previousKeyId: view.previousDekId === null ? null : formatKeyId(view.previousDekId),
    newKeyId: formatKeyId(view.newDekId),
  };
}
