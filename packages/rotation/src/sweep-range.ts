import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningRotation } from '@rekey/control';
import {
  asTargetTrouble,
  claimRange,
  type Lease,
  leaveToDrain,
  noteWaiting,
  proveByCounts,
  proveRange,
  type RangeId,
  releaseLease,
  renewLease,
  restartRange,
  type Target,
} from '@rekey/data';
import type { Dek } from '@rekey/keyring';
import { drainSoon } from './drain.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import { sweepOnce } from './sweep-pass.ts';
import { type Refused, withinLimit } from './within-limit.ts';

/**
 * - `proved`: nothing is left on an older DEK in this range but what is set aside.
 * - `elsewhere`: another worker holds it, it was proved before, or the rotation has ended.
 * - `stopped`: the signal came; the range is given back, to go on where its cursor stands.
 * - `draining`: swept, and given back: transactions that began before the switch may still write under an older DEK.
 */
export type SweptRange = 'proved' | 'elsewhere' | 'stopped' | 'draining';

/** A range, and what of it is at hand already. */
export interface RangeToSweep extends RangeId {
  readonly lease?: Lease | null;
  readonly newDek?: Dek;
}

/**
 * Claims a range unless it is ours, sweeps it in passes until it is proved, and gives it back. Throws what `diagnose`
 * understands.
 */
export async function sweepRange(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  range: RangeToSweep,
  signal: AbortSignal,
): Promise<SweptRange> {
  const lease = range.lease ?? (await claimRange(env.sweepStore, range, randomUUID()));
  if (lease === null) return 'elsewhere';
  let swept: SweptRange | undefined;
  try {
    const newDek = range.newDek ?? (await fetchNewDek(env.keyring, rotation.tenantId, rotation.newDekId));
    swept =
      newDek === null ? 'elsewhere' : await sweepUntilProved(env, rotation, target, lease, newDek, signal);
    return swept;
  } catch (error) {
    const trouble = asTargetTrouble(target, error);
    if (trouble === null) throw error;
    swept = await sweptWithoutALook(env, rotation, lease, signal);
    if (swept !== undefined) return swept;
    await noteWaiting(env.sweepStore, lease, 'database');
    throw trouble;
  } finally {
    // Proved, the lease is gone; given up, this lets the next worker claim at once.
    if (swept !== 'proved' && swept !== 'draining') await releaseLease(env.sweepStore, lease).catch(() => {});
  }
}

/** Of a table that cannot be looked at, for a tenant that has nothing in it; undefined: it has. */
async function sweptWithoutALook(
  env: RotationEnvironment,
  rotation: RunningRotation,
  lease: Lease,
  signal: AbortSignal,
): Promise<'proved' | 'draining' | undefined> {
  if (await proveByCounts(env.sweepStore, lease)) return 'proved';
  if (await drainSoon(env, rotation, signal))
    return (await proveByCounts(env.sweepStore, lease)) ? 'proved' : undefined;
  return (await leaveToDrain(env.sweepStore, lease)) ? 'draining' : undefined;
}

async function sweepUntilProved(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  lease: Lease,
  newDek: Dek,
  signal: AbortSignal,
): Promise<SweptRange> {
  const heartbeat = createHeartbeat(env, rotation.id);
  const lockWait = createLockWait(env, rotation, target, lease, heartbeat);
  let cursor = lease.cursor;
  for (let idlePasses = 0; ; ) {
    const from = { ...lease, cursor };
    const pass = await sweepOnce(
      env,
      { rotation, target, lease: from, newDek, heartbeat, idlePasses },
      signal,
    );
    if (pass === 'lost') return 'elsewhere';
    if (pass === 'stopped') return 'stopped';
    const proof = await prove(env, rotation, target, lease, heartbeat, signal);
    if (proof === 'stopped') return 'stopped';
    if (proof === 'lost') return 'elsewhere';
    if (typeof proof === 'string') return proof;
    // Records that were locked, or that changed under the same key since they were read: once more from the start.
    const restarted = await restartRange(env.sweepStore, lease);
    if (restarted === null) return 'elsewhere';
    cursor = restarted.cursor;
    idlePasses = pass.replaced === 0 ? idlePasses + 1 : 0;
    if (idlePasses === 0) await lockWait.over();
    else if (!(await lockWait.pause(proof.left, idlePasses, signal))) return 'elsewhere';
    if (signal.aborted) return 'stopped';
  }
}

/** Proves the range, or leaves it to whoever ends the drain. `left`: it needs another pass. */
async function prove(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  lease: Lease,
  heartbeat: Heartbeat,
  signal: AbortSignal,
): Promise<'proved' | 'draining' | { readonly left: number } | Refused> {
  for (;;) {
    const proof = await withinLimit(env, lease, signal, () => proveRange(env.sweepStore, target, lease));
    if (typeof proof === 'string') return proof;
    if (proof.kind === 'left') return { left: proof.items };
    if (proof.kind === 'proved' || proof.kind === 'lost') return proof.kind;
    if (proof.kind === 'further') {
      heartbeat.touch();
      if (signal.aborted) return 'stopped';
      continue;
    }
    if (await drainSoon(env, rotation, signal)) continue;
    if (signal.aborted) return 'stopped';
    if (!(await leaveToDrain(env.sweepStore, lease))) continue;
    await heartbeat.waits('lock');
    return 'draining';
  }
}

/** The wait of one range for records that others keep locked. */
interface LockWait {
  /** Backs off before another pass; false when the lease is lost. */
  pause(left: number, idlePasses: number, signal: AbortSignal): Promise<boolean>;
  /** Something was replaced: it does not wait any more. */
  over(): Promise<void>;
}

/** After so long it is told, and again so often. */
const tellsAfterMs = 30_000;
const tellsEveryMs = 60_000;

function createLockWait(
  env: RotationEnvironment,
  { id: rotationId, tenantId }: RunningRotation,
  target: Target,
  lease: Lease,
  heartbeat: Heartbeat,
): LockWait {
  let since: Date | null = null;
  let toldMs = 0;
  return {
    async pause(left, idlePasses, signal) {
      if (since === null) {
        since = new Date();
        toldMs = performance.now() + tellsAfterMs - tellsEveryMs;
        await noteWaiting(env.sweepStore, lease, 'lock');
      }
      if (performance.now() - toldMs >= tellsEveryMs) {
        toldMs = performance.now();
        env.onEvent?.({ kind: 'locked', rotationId, tenantId, target: target.name, items: left, since });
      }
      await heartbeat.waits('lock', {
        what: `${left} records of ${target.table} are locked by other transactions`,
        since: since.toISOString(),
        todo: 'let them end; if one was forgotten, end it: select pg_terminate_backend(pid)',
      });
      const pauseMs = Math.min(1_000, 25 * 2 ** Math.min(idlePasses, 6));
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      return renewLease(env.sweepStore, lease);
    },
    async over() {
      if (since === null) return;
      since = null;
      await noteWaiting(env.sweepStore, lease, null);
    },
  };
}
