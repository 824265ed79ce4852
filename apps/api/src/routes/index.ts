import type { Route } from '../route.ts';
import {
  cancelCampaign,
  getCampaign,
  listCampaigns,
  listCampaignTenants,
  pauseCampaign,
  resumeCampaign,
} from './campaigns.ts';
import { compromiseKey } from './compromise-key.ts';
import { createTenant } from './create-tenant.ts';
import { approveDestruction, cancelDestruction, getDestruction, scheduleDestruction } from './destruction.ts';
import { docs } from './docs.ts';
import { exportAudit } from './export-audit.ts';
import { followRotation } from './follow-rotation.ts';
import { getBlastRadius } from './get-blast-radius.ts';
import { getKey } from './get-key.ts';
import { getRotation } from './get-rotation.ts';
import { getRotationCertificate } from './get-rotation-certificate.ts';
import { getRotationRanges } from './get-rotation-ranges.ts';
import { getRotationSamples } from './get-rotation-samples.ts';
import { getRotationTimeline } from './get-rotation-timeline.ts';
import { getSummary } from './get-summary.ts';
import { getTenant } from './get-tenant.ts';
import { jwks } from './jwks.ts';
import { compromiseKek, getKekCompromise } from './kek-compromises.ts';
import { listAudit } from './list-audit.ts';
import { listCheckpoints } from './list-checkpoints.ts';
import { listKeks } from './list-keks.ts';
import { listKeys } from './list-keys.ts';
import { listRotationFailures } from './list-rotation-failures.ts';
import { listRotations } from './list-rotations.ts';
import { listTenants } from './list-tenants.ts';
import { listWorkers } from './list-workers.ts';
import { livez } from './livez.ts';
import { openApiRoute } from './openapi.ts';
import { getDestructionCertificate, getRewrapCertificate } from './other-certificates.ts';
import { planRewrap } from './plan-rewrap.ts';
import { getPlan, planRotation } from './plans.ts';
import { getDefaultPolicy, getTenantPolicy, putDefaultPolicy, putTenantPolicy } from './policies.ts';
import { readyz } from './readyz.ts';
import { cancelRewrap, getRewrap, listRewraps, pauseRewrap, resumeRewrap } from './rewraps.ts';
import { rotateDek } from './rotate-dek.ts';
import { simulateCampaign } from './simulate-campaign.ts';
import { startCampaign } from './start-campaign.ts';
import { startRewrap } from './start-rewrap.ts';
import { cancelRotation, pauseRotation, resumeRotation, retryRotation } from './steer-rotation.ts';
import { chooseTenantKek, getTenantKek } from './tenant-kek.ts';
import { updateRotation } from './update-rotation.ts';

/** Every route there is: server, guard, limits, validation, 405 answers, document and client follow from this list. */
export const routes: readonly Route[] = [
  rotateDek,
  planRotation,
  getPlan,
  listRotations,
  getRotation,
  updateRotation,
  followRotation,
  listRotationFailures,
  getRotationTimeline,
  getRotationRanges,
  getRotationSamples,
  getSummary,
  pauseRotation,
  resumeRotation,
  cancelRotation,
  retryRotation,
  getRotationCertificate,
  listKeys,
  getKey,
  getDestruction,
  getDestructionCertificate,
  scheduleDestruction,
  cancelDestruction,
  approveDestruction,
  getBlastRadius,
  compromiseKey,
  createTenant,
  listWorkers,
  listKeks,
  listTenants,
  getTenant,
  getTenantKek,
  chooseTenantKek,
  compromiseKek,
  getKekCompromise,
  planRewrap,
  startRewrap,
  listRewraps,
  getRewrap,
  getRewrapCertificate,
  pauseRewrap,
  resumeRewrap,
  cancelRewrap,
  getDefaultPolicy,
  putDefaultPolicy,
  getTenantPolicy,
  putTenantPolicy,
  startCampaign,
  simulateCampaign,
  listCampaigns,
  getCampaign,
  listCampaignTenants,
  pauseCampaign,
  resumeCampaign,
  cancelCampaign,
  listAudit,
  exportAudit,
  listCheckpoints,
  jwks,
  livez,
  readyz,
  openApiRoute,
  docs,
];
