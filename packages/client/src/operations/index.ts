// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

import { approveDestruction, type ApproveDestructionAnswer, type ApproveDestructionInput } from './approve-destruction.ts';
import { cancelDestruction, type CancelDestructionAnswer, type CancelDestructionInput } from './cancel-destruction.ts';
import { cancelRewrap, type CancelRewrapAnswer, type CancelRewrapInput } from './cancel-rewrap.ts';
import { cancelRotation, type CancelRotationAnswer, type CancelRotationInput } from './cancel-rotation.ts';
import { getBlastRadius, type GetBlastRadiusAnswer, type GetBlastRadiusInput } from './get-blast-radius.ts';
import { getDestruction, type GetDestructionAnswer, type GetDestructionInput } from './get-destruction.ts';
import { getKey, type GetKeyAnswer, type GetKeyInput } from './get-key.ts';
import { getRewrap, type GetRewrapAnswer, type GetRewrapInput } from './get-rewrap.ts';
import { getRotation, type GetRotationAnswer, type GetRotationInput } from './get-rotation.ts';
import { getRotationRanges, type GetRotationRangesAnswer, type GetRotationRangesInput } from './get-rotation-ranges.ts';
import { getRotationSamples, type GetRotationSamplesAnswer, type GetRotationSamplesInput } from './get-rotation-samples.ts';
import { getRotationTimeline, type GetRotationTimelineAnswer, type GetRotationTimelineInput } from './get-rotation-timeline.ts';
import { getSummary, type GetSummaryAnswer, type GetSummaryInput } from './get-summary.ts';
import { jwks, type JwksAnswer, type JwksInput } from './jwks.ts';
import { listAudit, type ListAuditAnswer, type ListAuditInput } from './list-audit.ts';
import { listCheckpoints, type ListCheckpointsAnswer, type ListCheckpointsInput } from './list-checkpoints.ts';
import { listKeks, type ListKeksAnswer, type ListKeksInput } from './list-keks.ts';
import { listKeys, type ListKeysAnswer, type ListKeysInput } from './list-keys.ts';
import { listRewraps, type ListRewrapsAnswer, type ListRewrapsInput } from './list-rewraps.ts';
import { listRotationFailures, type ListRotationFailuresAnswer, type ListRotationFailuresInput } from './list-rotation-failures.ts';
import { listRotations, type ListRotationsAnswer, type ListRotationsInput } from './list-rotations.ts';
import { listWorkers, type ListWorkersAnswer, type ListWorkersInput } from './list-workers.ts';
import { livez, type LivezAnswer, type LivezInput } from './livez.ts';
import { openApi, type OpenApiAnswer, type OpenApiInput } from './open-api.ts';
import { pauseRewrap, type PauseRewrapAnswer, type PauseRewrapInput } from './pause-rewrap.ts';
import { pauseRotation, type PauseRotationAnswer, type PauseRotationInput } from './pause-rotation.ts';
import { planRewrap, type PlanRewrapAnswer, type PlanRewrapInput } from './plan-rewrap.ts';
import { readyz, type ReadyzAnswer, type ReadyzInput } from './readyz.ts';
import { resumeRewrap, type ResumeRewrapAnswer, type ResumeRewrapInput } from './resume-rewrap.ts';
import { resumeRotation, type ResumeRotationAnswer, type ResumeRotationInput } from './resume-rotation.ts';
import { retryRotation, type RetryRotationAnswer, type RetryRotationInput } from './retry-rotation.ts';
import { rotateDek, type RotateDekAnswer, type RotateDekInput } from './rotate-dek.ts';
import { scheduleDestruction, type ScheduleDestructionAnswer, type ScheduleDestructionInput } from './schedule-destruction.ts';
import { startRewrap, type StartRewrapAnswer, type StartRewrapInput } from './start-rewrap.ts';
import { updateRotation, type UpdateRotationAnswer, type UpdateRotationInput } from './update-rotation.ts';

export const operations = { approveDestruction, cancelDestruction, cancelRewrap, cancelRotation, getBlastRadius, getDestruction, getKey, getRewrap, getRotation, getRotationRanges, getRotationSamples, getRotationTimeline, getSummary, jwks, listAudit, listCheckpoints, listKeks, listKeys, listRewraps, listRotationFailures, listRotations, listWorkers, livez, openApi, pauseRewrap, pauseRotation, planRewrap, readyz, resumeRewrap, resumeRotation, retryRotation, rotateDek, scheduleDestruction, startRewrap, updateRotation } as const;

/** What each takes and answers. */
export interface Operations {
  readonly approveDestruction: { readonly input: ApproveDestructionInput; readonly answer: ApproveDestructionAnswer };
  readonly cancelDestruction: { readonly input: CancelDestructionInput; readonly answer: CancelDestructionAnswer };
  readonly cancelRewrap: { readonly input: CancelRewrapInput; readonly answer: CancelRewrapAnswer };
  readonly cancelRotation: { readonly input: CancelRotationInput; readonly answer: CancelRotationAnswer };
  readonly getBlastRadius: { readonly input: GetBlastRadiusInput; readonly answer: GetBlastRadiusAnswer };
  readonly getDestruction: { readonly input: GetDestructionInput; readonly answer: GetDestructionAnswer };
  readonly getKey: { readonly input: GetKeyInput; readonly answer: GetKeyAnswer };
  readonly getRewrap: { readonly input: GetRewrapInput; readonly answer: GetRewrapAnswer };
  readonly getRotation: { readonly input: GetRotationInput; readonly answer: GetRotationAnswer };
  readonly getRotationRanges: { readonly input: GetRotationRangesInput; readonly answer: GetRotationRangesAnswer };
  readonly getRotationSamples: { readonly input: GetRotationSamplesInput; readonly answer: GetRotationSamplesAnswer };
  readonly getRotationTimeline: { readonly input: GetRotationTimelineInput; readonly answer: GetRotationTimelineAnswer };
  readonly getSummary: { readonly input: GetSummaryInput; readonly answer: GetSummaryAnswer };
  readonly jwks: { readonly input: JwksInput; readonly answer: JwksAnswer };
  readonly listAudit: { readonly input: ListAuditInput; readonly answer: ListAuditAnswer };
  readonly listCheckpoints: { readonly input: ListCheckpointsInput; readonly answer: ListCheckpointsAnswer };
  readonly listKeks: { readonly input: ListKeksInput; readonly answer: ListKeksAnswer };
  readonly listKeys: { readonly input: ListKeysInput; readonly answer: ListKeysAnswer };
  readonly listRewraps: { readonly input: ListRewrapsInput; readonly answer: ListRewrapsAnswer };
  readonly listRotationFailures: { readonly input: ListRotationFailuresInput; readonly answer: ListRotationFailuresAnswer };
  readonly listRotations: { readonly input: ListRotationsInput; readonly answer: ListRotationsAnswer };
  readonly listWorkers: { readonly input: ListWorkersInput; readonly answer: ListWorkersAnswer };
  readonly livez: { readonly input: LivezInput; readonly answer: LivezAnswer };
  readonly openApi: { readonly input: OpenApiInput; readonly answer: OpenApiAnswer };
  readonly pauseRewrap: { readonly input: PauseRewrapInput; readonly answer: PauseRewrapAnswer };
  readonly pauseRotation: { readonly input: PauseRotationInput; readonly answer: PauseRotationAnswer };
  readonly planRewrap: { readonly input: PlanRewrapInput; readonly answer: PlanRewrapAnswer };
  readonly readyz: { readonly input: ReadyzInput; readonly answer: ReadyzAnswer };
  readonly resumeRewrap: { readonly input: ResumeRewrapInput; readonly answer: ResumeRewrapAnswer };
  readonly resumeRotation: { readonly input: ResumeRotationInput; readonly answer: ResumeRotationAnswer };
  readonly retryRotation: { readonly input: RetryRotationInput; readonly answer: RetryRotationAnswer };
  readonly rotateDek: { readonly input: RotateDekInput; readonly answer: RotateDekAnswer };
  readonly scheduleDestruction: { readonly input: ScheduleDestructionInput; readonly answer: ScheduleDestructionAnswer };
  readonly startRewrap: { readonly input: StartRewrapInput; readonly answer: StartRewrapAnswer };
  readonly updateRotation: { readonly input: UpdateRotationInput; readonly answer: UpdateRotationAnswer };
}
