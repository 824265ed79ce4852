import { randomUUID } from 'node:crypto';
import type { RunningRotation } from '@rekey/control';
import {
  asTargetTrouble,
  claimRange,
  type Lease,
  leaveToDrain,
  noteWaiting,
  proveByCounts,
  type RangeId,
  releaseLease,
  restartRange,
  type Target,
} from '@rekey/data';
import type { Dek } from '@rekey/keyring';
import { drainSoon } from './drain.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createLockWait } from './lock-wait.ts';
import type { Outcome } from './outcome.ts';
import { type ProofsTogether, proveAlone } from './prove-together.ts';
import { createSpeedLimits } from './speed-limit.ts';
import type { Sweep } from './sweep.ts';
import { sweepOnce } from './sweep-pass.ts';
import { urgencyOf } from './throttle/urgency.ts';
import { diagnose } from './trouble.ts';

/** A range, and what of it is at hand already. */
interface RangeToSweep extends RangeId {
  readonly lease?: Lease | null;
  readonly newDek?: Dek;
}

interface RangeOrder {
  readonly rotation: RunningRotation;
  readonly target: Target;
  readonly range: RangeToSweep;
  readonly signal: AbortSignal;
  /** Where other ranges of it are swept at the same time: what they are proved by together. */
  readonly proofs?: ProofsTogether | undefined;
}

/**
 * Claims a range unless it is ours, sweeps it in passes until it is proved (`done`), and gives it back. Swept, it is `left`
 * while transactions that began before the switch may still write under an older DEK. Throws what `diagnose` understands.
 */
export async function sweepRange(
  env: RotationEnvironment,
  { rotation, target, range, signal, proofs }: RangeOrder,
): Promise<Outcome> {
  const count = proofs?.prove ?? proveAlone;
  const lease = range.lease ?? (await claimRange(env.sweepStore, range, randomUUID()));
  if (lease === null) return 'lost';
  const speedLimit = (env.speedLimits ?? createSpeedLimits(env.store)).of(
    rotation.id,
    rotation.itemsPerSecondMax,
  );
  const leave = speedLimit.enter(lease.owner);
  const leaveThrottle = env.throttle?.enter(rotation.id, urgencyOf(rotation));
  const heartbeat = createHeartbeat(env, rotation.id);
  const leaveHeartbeat = heartbeat.attend();
  let outcome: Outcome | undefined;
  try {
    const newDek = range.newDek ?? (await fetchNewDek(env, rotation.tenantId, rotation.newDekId));
    if (newDek === null) return 'lost';
    const lockWait = createLockWait({ env, rotation, target, lease, heartbeat, signal });
    const sweep = { env, rotation, target, lease, newDek, heartbeat, lockWait, speedLimit, signal };
    outcome = await sweepUntilProved(sweep, count);
    return outcome;
  } catch (error) {
    const trouble = asTargetTrouble(target, error);
    if (trouble === null) {
      if (!signal.aborted) await noteTrouble(env, lease, error);
      throw error;
    }
    outcome = await sweptWithoutALook({ env, rotation, lease, signal });
    if (outcome !== undefined) return outcome;
    await noteWaiting(env.sweepStore, lease, 'database');
    throw trouble;
  } finally {
    leaveHeartbeat();
    leave();
    leaveThrottle?.();
    // Proved or left to drain, the lease is gone; given up, this lets the next worker claim at once.
    if (outcome !== 'done' && outcome !== 'left') await releaseLease(env.sweepStore, lease).catch(() => {});
  }
}

/**
 * Until somebody claims it again it is held up by that, whatever other ranges do and heartbeats say that are under way. A database
 * that is away cannot be told, and is seen to be.
 */
async function noteTrouble(env: RotationEnvironment, lease: Lease, error: unknown): Promise<void> {
  const trouble = diagnose(error);
  const waits = trouble.kind === 'permanent' ? (trouble.meanwhile ?? null) : trouble;
  if (waits === null || !('waitingFor' in waits) || waits.waitingFor === 'database') return;
  const isOfOne = waits.detail?.ofOneWorker === true;
  await noteWaiting(env.sweepStore, lease, isOfOne ? 'not_held' : waits.waitingFor).catch(() => {});
}

/** Of a table that cannot be looked at, for a tenant that has nothing in it; undefined: it has. */
async function sweptWithoutALook({
  env,
  rotation,
  lease,
  signal,
}: Pick<Sweep, 'env' | 'rotation' | 'lease' | 'signal'>): Promise<'done' | 'left' | undefined> {
  if (await proveByCounts(env.sweepStore, lease)) return 'done';
  if (await drainSoon(env, rotation, signal))
    return (await proveByCounts(env.sweepStore, lease)) ? 'done' : undefined;
  return (await leaveToDrain(env.sweepStore, lease)) ? 'left' : undefined;
}

async function sweepUntilProved(sweep: Sweep, count: ProofsTogether['prove']): Promise<Outcome> {
  const { env, lease, lockWait, signal } = sweep;
  let { cursor } = lease;
  let left = 0;
  for (let idlePasses = 0; ; ) {
    lockWait.begin(left);
    const replaced = await sweepOnce({ ...sweep, lease: { ...lease, cursor }, idlePasses });
    if (typeof replaced === 'string') return replaced;
    await lockWait.end();
    const proof = await prove(sweep, count);
    if (typeof proof === 'string') return proof;
    // Records that were locked, or that changed under the same key since they were read: once more from the start.
    const restarted = await restartRange(env.sweepStore, lease);
    if (restarted === null) return 'lost';
    cursor = restarted.cursor;
    idlePasses = replaced === 0 ? idlePasses + 1 : 0;
    left = proof.items;
    if (idlePasses > 0 && !(await lockWait.pause(left, idlePasses))) return 'lost';
    if (signal.aborted) return 'stopped';
  }
}

/** Proves the range, or leaves it to whoever ends the drain. `items`: so many need another pass. */
async function prove(
  sweep: Sweep,
  count: ProofsTogether['prove'],
): Promise<Outcome | { readonly items: number }> {
  const { env, rotation, lease, heartbeat, signal } = sweep;
  for (;;) {
    const proof = await count(sweep);
    if (typeof proof === 'string') return proof;
    switch (proof.kind) {
      case 'proved':
        return 'done';
      case 'lost':
        return 'lost';
      case 'left':
        return { items: proof.items };
      case 'further':
        heartbeat.touch();
        if (signal.aborted) return 'stopped';
        continue;
      case 'draining':
        if (await drainSoon(env, rotation, signal)) continue;
        if (signal.aborted) return 'stopped';
        if (!(await leaveToDrain(env.sweepStore, lease))) continue;
        await heartbeat.waits('lock');
        return 'left';
    }
  }
}
