import type { Command } from '../command.ts';
import { auditExport, auditList, auditVerification } from './audit.ts';
import {
  campaignCancel,
  campaignList,
  campaignPause,
  campaignResume,
  campaignSimulate,
  campaignStart,
  campaignStatus,
  campaignTenants,
} from './campaign.ts';
import { certificateGet, certificateKeys, certificateVerification } from './certificate.ts';
import { completion } from './completion.ts';
import { doctor, init, migrate, targetList, targetRegister } from './database.ts';
import { explain } from './explain.ts';
import { failures } from './failures.ts';
import { kekChoose, kekChosen, kekCompromise, kekCompromiseWait } from './kek.ts';
import { keks } from './keks.ts';
import { keyApprove, keyCancel, keyDestruction, keySchedule, keys, keysCompromise } from './keys.ts';
import { list } from './list.ts';
import { cancel, limit, pause, resume, retry, status, wait } from './one-rotation.ts';
import { plan } from './plan.ts';
import { policyGet, policySet } from './policy.ts';
import {
  rewrapCancel,
  rewrapList,
  rewrapPause,
  rewrapPlan,
  rewrapResume,
  rewrapStart,
  rewrapStatus,
  rewrapWait,
} from './rewrap.ts';
import { rotate } from './rotate.ts';
import { tenantCreate, tenantShow } from './tenant.ts';
import { tenants } from './tenants.ts';
import { token } from './token.ts';

/** Every command: usage, help, completion and `docs/command-line.md` come from here. */
export const commands: readonly Command[] = [
  rotate,
  plan,
  status,
  wait,
  list,
  failures,
  explain,
  pause,
  resume,
  retry,
  limit,
  cancel,
  keys,
  keysCompromise,
  keyDestruction,
  keySchedule,
  keyCancel,
  keyApprove,
  keks,
  kekChoose,
  kekChosen,
  kekCompromise,
  kekCompromiseWait,
  rewrapPlan,
  rewrapStart,
  rewrapList,
  rewrapStatus,
  rewrapWait,
  rewrapPause,
  rewrapResume,
  rewrapCancel,
  tenantCreate,
  tenantShow,
  tenants,
  policyGet,
  policySet,
  campaignSimulate,
  campaignStart,
  campaignStatus,
  campaignList,
  campaignTenants,
  campaignPause,
  campaignResume,
  campaignCancel,
  certificateGet,
  certificateKeys,
  certificateVerification,
  auditList,
  auditExport,
  auditVerification,
  init,
  migrate,
  targetRegister,
  targetList,
  doctor,
  token,
  completion(() => commands),
];
