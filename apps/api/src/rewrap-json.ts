import { formatRewrapId, type Rewrap } from '@rekey/contract';
import type { RewrapView } from '@rekey/control';

export function rewrapJson(view: RewrapView): Rewrap {
  const { deks, rewrapped, setAside, initiatedBy } = view;
  const isDone = view.status === 'completed' || view.status === 'completed_with_failures';
  const share = deks === 0 ? 0 : (100 * (rewrapped + setAside)) / deks;
  const waitingFor = waits.find((one) => one === view.waitingFor) ?? null;
  return {
    rewrapId: formatRewrapId(view.id),
    tenantId: view.tenantId,
    kek: view.kekName,
    kekId: view.kekId,
    status: view.status,
    keysTotal: deks,
    keysRewrapped: rewrapped,
    keysSetAside: setAside,
    keysRemaining: Math.max(0, deks - rewrapped - setAside),
    percentComplete: isDone ? 100 : Math.min(99.9, Math.floor(share * 10) / 10),
    recordsReencrypted: 0,
    kmsCalls: view.kmsCalls,
    callsPerSecondMax: view.callsPerSecondMax,
    forced: view.forced,
    waitingFor,
    waitingDetail: view.waitingDetail && pick(view.waitingDetail),
    startedAt: view.startedAt.toISOString(),
    completedAt: view.completedAt?.toISOString() ?? null,
    initiatedBy: { id: initiatedBy.id, name: initiatedBy.name, email: initiatedBy.email },
    fingerprintBefore: view.fingerprintBefore,
    fingerprintAfter: view.fingerprintAfter,
  };
}

/** Which KEKs it may be is for whoever begins others. */
const pick = ({ what, since, todo }: NonNullable<RewrapView['waitingDetail']>) => ({ what, since, todo });

const waits = ['kms', 'kek_suspended', 'worker'] as const;

/** As it was when it began, of what never changes: the same however often it is asked for. */
export function asItBegan(view: RewrapView): RewrapView {
  return {
    ...view,
    status: 'in_progress',
    completedAt: null,
    deks: view.deksAtStart,
    rewrapped: 0,
    setAside: 0,
    kmsCalls: 0,
    waitingFor: null,
    waitingDetail: null,
    fingerprintBefore: null,
    fingerprintAfter: null,
  };
}
