import { kekIds, tenantId } from './fleet.ts';
import { ada, before, hash, longNamed, type Told, uuid } from './told.ts';

type Rewrap = Told<'getRewrap'>;

const rewrapOf = (at: number, of: Partial<Rewrap>): Rewrap => ({
  rewrapId: `rewrap-${uuid(`rewrap ${at}`)}`,
  tenantId: null,
  kek: 'production-eu',
  kekId: kekIds.aws,
  status: 'completed',
  keysTotal: 13_231,
  keysRewrapped: 13_231,
  keysSetAside: 0,
  keysRemaining: 0,
  percentComplete: 100,
  recordsReencrypted: 0,
  kmsCalls: 39_693,
  callsPerSecondMax: 100,
  forced: false,
  waitingFor: null,
  waitingDetail: null,
  startedAt: before(at * 20, 2),
  completedAt: before(at * 20, 1),
  initiatedBy: ada,
  fingerprintBefore: hash('keys'),
  fingerprintAfter: hash('keys'),
  ...of,
});
export const rewrap = rewrapOf(0, {
  status: 'in_progress',
  keysRewrapped: 8_112,
  keysSetAside: 3,
  keysRemaining: 5_116,
  percentComplete: 61.33,
  completedAt: null,
  forced: true,
  waitingFor: 'kms',
  waitingDetail: {
    what: 'the KMS of the KEK does not answer',
    since: before(0, 0, 3),
    todo: 'look whether it can be reached',
  },
  initiatedBy: longNamed,
});
export const rewraps: Told<'listRewraps'> = {
  rewraps: [
    rewrap,
    rewrapOf(1, { tenantId, kek: 'tenant-example-ltd-own-key', keysTotal: 3, keysRewrapped: 3, kmsCalls: 9 }),
    rewrapOf(2, { status: 'cancelled', keysRewrapped: 100, keysRemaining: 13_131, percentComplete: 0.76 }),
  ],
  nextCursor: null,
};

export const rewrapPlan: Told<'planRewrap'> = {
  tenantId: null,
  kek: 'next',
  kekId: kekIds.local,
  census: [{ kekId: kekIds.aws, keys: { preActive: 0, active: 4_187, deactivated: 9_021, compromised: 0 } }],
  keysToRewrap: 13_208,
  kmsCalls: 39_624,
  fingerprint: hash('keys'),
  lacking: [
    {
      processId: uuid('process 2'),
      kind: 'vault',
      host: 'shop-frontend-production-eu-central-1a-6c8b9d7f5d-hm2lp',
      databaseRole: 'shop',
    },
    { processId: uuid('process 3'), kind: 'vault', host: 'billing-1', databaseRole: 'billing_application' },
  ],
};
