import { tenantId } from './fleet.ts';
import { before, type Told, within } from './told.ts';

const nights: Array<{ days: Array<'sat' | 'sun'>; from: string; to: string; timeZone: string }> = [
  { days: ['sat', 'sun'], from: '22:00', to: '05:30', timeZone: 'Europe/Berlin' },
];
const holds = {
  rotateEveryDays: 365,
  rotateBeforeSeals: 2_000_000_000,
  rewrapEveryDays: 90,
  retireAfterDays: 30,
  destroyAfterDays: 400,
  windows: nights,
  kek: null,
};
const bounds = { rotateEveryDaysMin: 30, rotateEveryDaysMax: 365, rotateBeforeSealsMax: 4_000_000_000 };
const protection = {
  destructionGraceSeconds: 2_592_000,
  destructionUnusedSeconds: 604_800,
  backupHorizonSeconds: 7_776_000,
  destructionApprovals: 2,
};

export const defaultPolicy: Told<'getDefaultPolicy'> = {
  version: 4,
  putAt: before(40, 2, 11),
  policy: { ...holds, bounds, rotationsAtOnce: 8 },
  effective: holds,
  protection,
};

export const tenantPolicy: Told<'getTenantPolicy'> = {
  tenantId,
  version: 2,
  putAt: before(12, 5, 3),
  policy: { rotateEveryDays: 1_000, windows: null, destroyAfterDays: 400 },
  defaultVersion: 4,
  effective: { ...holds, windows: null },
  byDefault: holds,
  bounds,
  protection,
  standing: {
    level: 'overdue',
    dueAt: before(14),
    overdueAt: before(7),
    tries: 2,
    triedAt: before(0, 9, 40),
  },
  wrapping: {
    level: 'fresh',
    wrappedAt: before(19),
    dueAt: within(71),
    overdueAt: within(78),
    tries: 0,
    triedAt: null,
  },
};
