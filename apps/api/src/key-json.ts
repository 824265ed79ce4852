import { formatKeyId, type Key, sealsMax } from '@rekey/contract';
import type { KeyRecords, KeyView } from '@rekey/control';

/** `counted`: all of the tenant's records; null: they were not counted. */
export function keyJson(key: KeyView, counted: readonly KeyRecords[] | null): Key {
  const under = (keyNumber?: number): number =>
    (counted ?? [])
      .filter((one) => keyNumber === undefined || one.keyNumber === keyNumber)
      .reduce((sum, { records }) => sum + records, 0);
  const records = under(key.keyNumber);
  const total = under();
  return {
    keyId: formatKeyId(key.id),
    tenantId: key.tenantId,
    keyNumber: key.keyNumber,
    state: key.state,
    draining: key.draining,
    ageSeconds: Math.max(0, Math.floor((Date.now() - key.createdAt.getTime()) / 1_000)),
    createdAt: key.createdAt.toISOString(),
    activatedAt: timeOrNull(key.activatedAt),
    deactivatedAt: timeOrNull(key.deactivatedAt),
    destroyedAt: timeOrNull(key.destroyedAt),
    kekId: key.kekId,
    wrapVersion: key.wrapVersion,
    wrappedAt: timeOrNull(key.wrappedAt),
    records: counted === null ? null : records,
    share: counted === null ? null : total === 0 ? 0 : records / total,
    seals: key.seals,
    sealsMax,
    lastUsedAt: timeOrNull(key.lastUsedAt),
    processes: key.processes,
    destructionDueAt: timeOrNull(key.dueAt),
  };
}

export function timeOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}
