import { randomUUID } from 'node:crypto';
import {
  claimRange,
  createReplacements,
  type Lease,
  readWindow,
  type SealedRecord,
  type Target,
  writeBatch,
} from '@rekey/data';
import { formatOf } from '@rekey/envelope';
import { prepareSweep, type RotationEnvironment } from '@rekey/rotation';
import type { Core } from './rotation.ts';

/** A sweep that is taken step by step: one range claimed, nothing read yet. */
export interface SweepStep {
  readonly env: RotationEnvironment;
  readonly rotationId: string;
  readonly tenantId: string;
  readonly newKeyNumber: number;
  readonly target: Target;
  readonly lease: Lease;
  read(): Promise<SealedRecord[]>;
  /** Re-encrypts these records as they were read, and writes them. */
  write(
    records: readonly SealedRecord[],
    locked?: 'wait' | 'skip',
    options?: { lease?: Lease; cursor?: string | null },
  ): Promise<number | null>;
}

/**
 * A rotation that has switched and planned, its range of `secrets` claimed by us. `patient`: it waits for locked records
 * as long as it takes, so that a busy machine does not decide who gives way.
 */
export async function beginSweep(
  core: Core,
  tenantId: string,
  { patient = false }: { patient?: boolean } = {},
): Promise<SweepStep> {
  const hasty = core.environment();
  const env = patient ? { ...hasty, sweepStore: hasty.store } : hasty;
  const rotationId = await core.start(tenantId);
  const sweep = await prepareSweep(env, rotationId, new AbortController().signal);
  const target = sweep?.targets.get('secrets');
  const lease = await claimRange(env.store, { rotationId, target: 'secrets', ordinal: 0 }, randomUUID());
  if (sweep === null || target === undefined || lease === null) throw new Error('the sweep did not begin');
  const { newKeyNumber } = sweep.rotation;
  const { identityBytes, at } = formatOf(target.format);
  const cipher = at({ tenantId, column: target.column });
  const from = await env.keyring.byNumber(tenantId, newKeyNumber - 1);
  const to = await env.keyring.byNumber(tenantId, newKeyNumber);
  if (from === null || to === null) throw new Error('a DEK is missing');
  return {
    env,
    rotationId,
    tenantId,
    newKeyNumber,
    target,
    lease,
    read: async () => {
      const window = await readWindow(env.sweepStore, target, lease, {
        tenantId,
        newKeyNumber,
        after: null,
        itemsMax: 1_000,
        bytesMax: 1_000_000,
        identityBytes,
      });
      return [...window.records];
    },
    write: (records, locked = 'wait', { lease: under = lease, cursor = null } = {}) => {
      const replacements = createReplacements(target, { identityBytes, items: records.length, bytes: 0 });
      for (const record of records) {
        const { id: recordId, ciphertext } = record;
        const order = { recordId, ciphertext, from: from.key, to: to.key, toKeyNumber: newKeyNumber };
        replacements.add(record, (into, at) => cipher.reencrypt(order, into, at));
      }
      const batch = { tenantId, newKeyNumber, replacements, setAside: [], cursor };
      return writeBatch(env.sweepStore, target, under, batch, locked);
    },
  };
}
