import {
  formatKeyId,
  formatRotationId,
  type RotateResponse,
  type Rotation,
  type RotationResponse,
  rotateMessage,
  type StartedRotation,
} from '@rekey/contract';
import type { RotationView } from '@rekey/control';

/** The exact body of the 200 that starts a rotation. */
export function renderStarted(view: RotationView): string {
  const data: StartedRotation = {
    ...identity(view),
    status: 'in_progress',
    ...keys(view),
    startedAt: view.startedAt.toISOString(),
    estimatedCompletion: view.estimatedCompletion.toISOString(),
    itemsToRotate: view.itemsToRotate,
    initiatedBy: view.initiatedBy,
  };
  const body: RotateResponse = {
    success: true,
    message: rotateMessage,
    data,
    timestamp: new Date().toISOString(),
  };
  return JSON.stringify(body);
}

export function rotationResponse(view: RotationView, message: RotationResponse['message']): RotationResponse {
  return { success: true, message, data: rotationJson(view), timestamp: new Date().toISOString() };
}

function rotationJson(view: RotationView): Rotation {
  return {
    ...identity(view),
    status: view.status,
    phase: view.phase,
    ...keys(view),
    startedAt: view.startedAt.toISOString(),
    completedAt: view.completedAt?.toISOString() ?? null,
    estimatedCompletion: view.estimatedCompletion.toISOString(),
    itemsToRotate: view.itemsToRotate,
    itemsRotated: view.itemsRotated,
    itemsSuperseded: view.itemsSuperseded,
    itemsFailed: view.itemsFailed,
    itemsRemaining: view.itemsRemaining,
    percentComplete: view.percentComplete,
    itemsPerSecond: view.itemsPerSecond,
    waitingFor: view.waitingFor,
    failureReason: view.failureReason,
    initiatedBy: view.initiatedBy,
  };
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
