import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningRotation } from '@rekey/control';
import {
  claimRange,
  idText,
  type Lease,
  leaveToDrain,
  type ProvedRange,
  proveRange,
  type RangeId,
  readWindow,
  releaseLease,
  renewLease,
  restartRange,
  type Target,
  type Window,
  writeBatch,
} from '@rekey/data';
import { StoreError } from '@rekey/db';
import { createRecordCipher } from '@rekey/envelope';
import type { Dek } from '@rekey/keyring';
import { drainSoon } from './drain.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
import { createPulse, type Pulse } from './pulse.ts';
import { fetchOlderDeks, reencryptBatch } from './reencrypt-window.ts';

/**
 * - `proved`: nothing is left on an older DEK in this range but what is set aside.
 * - `elsewhere`: another worker holds it, it was proved before, or the rotation has ended.
 * - `stopped`: the signal came; the range is given back, to go on where its cursor stands.
 * - `draining`: swept, and given back: transactions that began before the switch may still write under an older DEK.
 */
export type SweptRange = 'proved' | 'elsewhere' | 'stopped' | 'draining';

/**
 * A window is read at once and written in so many batches, each spread over all of it: then a batch touches a page of
 * the table about once although ids may lie in heap order, and updates find room on their page (with eight batches per
 * window a quarter of them did not).
 */
const batchesPerWindow = 16;
/** Below this a batch costs more for its commit than spreading gains. */
const batchItemsMin = 100;
/** With what stands around it, it fits into memory that is used again. */
const windowBytes = 3 * 1024 * 1024;

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
  } finally {
    // Proved, the lease is gone; given up, this lets the next worker claim at once.
    if (swept !== 'proved' && swept !== 'draining') await releaseLease(env.sweepStore, lease).catch(() => {});
  }
}

async function sweepUntilProved(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  lease: Lease,
  newDek: Dek,
  signal: AbortSignal,
): Promise<SweptRange> {
  const pulse = createPulse(env, rotation.id);
  let cursor = lease.cursor;
  for (let idlePasses = 0; ; ) {
    const pass = await sweepOnce(env, rotation, target, { ...lease, cursor }, newDek, pulse, signal);
    if (pass === 'lost') return 'elsewhere';
    if (pass === 'stopped') return 'stopped';
    const proof = await prove(env, rotation, target, lease, pulse, signal);
    if (proof === 'stopped') return 'stopped';
    if (proof === 'lost') return 'elsewhere';
    if (proof !== 'left') return proof;
    // Records that were locked, or that changed under the same key since they were read: once more from the start.
    if (!(await restartRange(env.sweepStore, lease))) return 'elsewhere';
    cursor = null;
    idlePasses = pass.replaced === 0 ? idlePasses + 1 : 0;
    if (idlePasses > 0 && !(await waitForLocks(env, lease, pulse, idlePasses, signal))) return 'elsewhere';
    if (signal.aborted) return 'stopped';
  }
}

/** Proves the range, or leaves it to whoever ends the drain. `left`: it needs another pass. */
async function prove(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  lease: Lease,
  pulse: Pulse,
  signal: AbortSignal,
): Promise<'proved' | 'draining' | 'left' | Refused> {
  const attempt = async (): Promise<ProvedRange['kind'] | Refused> => {
    const proof = await inTurn(env, lease, signal, () => proveRange(env.sweepStore, target, lease, rotation));
    return typeof proof === 'string' ? proof : proof.kind;
  };
  for (;;) {
    const proof = await attempt();
    if (proof !== 'draining') return proof;
    if (await drainSoon(env, rotation.tenantId, signal)) continue;
    if (signal.aborted) return 'stopped';
    if (!(await leaveToDrain(env.sweepStore, lease, rotation.tenantId))) continue;
    await pulse.waits('lock');
    return 'draining';
  }
}

/** One pass from the cursor to the range's end, reading ahead of what is being written. */
async function sweepOnce(
  env: RotationEnvironment,
  rotation: RunningRotation,
  target: Target,
  lease: Lease,
  newDek: Dek,
  pulse: Pulse,
  signal: AbortSignal,
): Promise<{ readonly replaced: number } | Refused> {
  const cipher = createRecordCipher({ tenantId: rotation.tenantId, column: target.column });
  const read = (after: string | null): Promise<Window | Refused> => {
    const window = inTurn(env, lease, signal, () =>
      readWindow(env.sweepStore, target, lease, {
        tenantId: rotation.tenantId,
        newKeyNumber: rotation.newKeyNumber,
        after,
        itemsMax: batchesPerWindow * batchItems(env),
        bytesMax: windowBytes,
      }),
    );
    window.catch(() => {}); // it is awaited later, or not at all when a write fails before
    return window;
  };

  let replaced = 0;
  let next: Promise<Window | Refused> | null = read(lease.cursor);
  while (next !== null) {
    const ahead: Window | Refused = await next;
    if (typeof ahead === 'string') return ahead;
    const { records: window, isLast, release }: Window = ahead;
    if (window.length === 0) {
      release();
      return { replaced };
    }
    const cursor = idText(target.idType, window.at(window.length - 1).id);
    next = isLast ? null : read(cursor);
    const olderDeks = await fetchOlderDeks(env.keyring, rotation.tenantId, window);

    let writing: Promise<number | Refused> = Promise.resolve(0);
    const batches = batchesOf(window.length, batchItems(env));
    for (let first = 0; first < batches; first += 1) {
      // Sealed while the batch before it is being written.
      const sealed = await reencryptBatch(
        target,
        cipher,
        window,
        { first, step: batches },
        olderDeks,
        newDek,
      );
      const written = await writing;
      if (typeof written === 'string') return written;
      replaced += written;
      pulse.touch();
      const isTurn = await env.pace?.turn(sealed.replacements.items, signal, () => {
        pulse.touch();
        return renewLease(env.sweepStore, lease);
      });
      if (isTurn === false) return 'lost';
      if (signal.aborted) return 'stopped';
      const batch = {
        tenantId: rotation.tenantId,
        newKeyNumber: rotation.newKeyNumber,
        ...sealed,
        cursor: first === batches - 1 ? cursor : null,
      };
      writing = write(env, target, lease, batch, signal);
      writing.catch(() => {}); // awaited above or below, unless sealing throws first
    }
    const written = await writing;
    if (typeof written === 'string') return written;
    replaced += written;
    pulse.touch();
    release(); // all of its batches are answered
    if (signal.aborted) return 'stopped';
  }
  return { replaced };
}

async function write(
  env: RotationEnvironment,
  target: Target,
  lease: Lease,
  batch: Parameters<typeof writeBatch>[3],
  signal: AbortSignal,
): Promise<number | Refused> {
  const replaced = await inTurn(env, lease, signal, () => writeOrSkip(env, target, lease, batch));
  batch.replacements.release();
  return replaced ?? 'lost';
}

/** Waits briefly for locked records, then leaves them out: the sweep never waits long while it holds others. */
async function writeOrSkip(
  env: RotationEnvironment,
  target: Target,
  lease: Lease,
  batch: Parameters<typeof writeBatch>[3],
): Promise<number | null> {
  const sentMs = performance.now();
  try {
    const replaced = await writeBatch(env.sweepStore, target, lease, batch, 'wait');
    const { items, bytes } = batch.replacements;
    const ms = performance.now() - sentMs;
    env.batchSize.took(items, ms);
    env.turns?.took(items, bytes, ms);
    return replaced;
  } catch (error) {
    if (!(error instanceof StoreError) || (error.code !== 'LOCKED' && error.code !== 'CONFLICT')) throw error;
    return writeBatch(env.sweepStore, target, lease, batch, 'skip');
  }
}

/** Why nothing was done: the lease is another's, or the worker is to stop. */
type Refused = 'lost' | 'stopped';

/** A lease is renewed by every batch; whoever waited so long for a turn renews it before anything else. */
const longWaitMs = 2_000;

/** Sends a statement when it is its turn, unless the signal has come meanwhile. */
async function inTurn<Result>(
  env: RotationEnvironment,
  lease: Lease,
  signal: AbortSignal,
  statement: () => Promise<Result>,
): Promise<Result | Refused> {
  const sinceMs = performance.now();
  const turn = async (): Promise<Result | Refused> => {
    if (signal.aborted) return 'stopped';
    const isLong = performance.now() - sinceMs > longWaitMs;
    if (isLong && !(await renewLease(env.sweepStore, lease))) return 'lost';
    return statement();
  };
  return env.turns === undefined ? turn() : env.turns.take(turn);
}

function batchItems({ batchSize, pace }: RotationEnvironment): number {
  return Math.min(batchSize.items, pace?.batchItemsMax ?? Number.POSITIVE_INFINITY);
}

/**
 * Into how many batches a window is split, each spread over all of it (every n-th record): with ids in heap order a
 * batch of neighbours would fill its pages with dead rows that only the next transaction may prune, and updates would
 * not stay on their page. A window that is not full is spread as well.
 */
function batchesOf(windowItems: number, batchItems: number): number {
  return Math.max(
    Math.ceil(windowItems / batchItems),
    Math.min(batchesPerWindow, Math.floor(windowItems / batchItemsMin)),
  );
}

/** Backs off before another pass over records that others hold locked; false when the lease is lost. */
async function waitForLocks(
  env: RotationEnvironment,
  lease: Lease,
  pulse: Pulse,
  idlePasses: number,
  signal: AbortSignal,
): Promise<boolean> {
  await pulse.waits('lock');
  await sleep(Math.min(1_000, 25 * 2 ** Math.min(idlePasses, 6)), undefined, { signal }).catch(() => {});
  return renewLease(env.sweepStore, lease);
}
