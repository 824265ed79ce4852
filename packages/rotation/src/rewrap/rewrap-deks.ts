import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClaimedRewrap,
  completeRewrap,
  type DekToRewrap,
  deksToRewrap,
  noteRewrap,
  type RewrappedDek,
  setDekAside,
  storeRewrapped,
} from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { type Keks, KmsError } from '@rekey/kms';
import { backoffMs, heartbeatWhileWaitingMs, kekSuspendedMs } from '@rekey/times';
import { createCallRate } from './call-rate.ts';
import { rewrapDek, UnusableDek } from './rewrap-dek.ts';

export interface RewrapEnvironment {
  readonly store: Queryable;
  readonly keks: Keks;
  /** Told when a KMS or a missing KEK holds it up, once for each reason. */
  readonly onTrouble: (error: KmsError) => void;
  /** Between attempts at what met trouble; tests are in more of a hurry. */
  readonly pauseMs?: {
    readonly away: { readonly first: number; readonly max: number };
    readonly refused: number;
  };
}

/** Asked for at the same time; stored by one statement. */
const deksAtOnce = 16;
/** Looked at together to find so many, where KEKs hold some of them up. */
const deksLookedAt = 512;
/** Where others change DEKs all the time, between two looks. */
const lookAgainMs = 20;

/**
 * Takes a rewrap to its end: every DEK that is left, by which time whatever rotations have made meanwhile is among them.
 * Nothing has to be remembered: what is not under the new KEK is left, whoever was at it before.
 *
 * - `done`: all are under it, and the database has agreed.
 * - `left` to a worker that holds the KEKs that some are under, or because the signal came.
 * - `lost`: paused, cancelled, or another worker's.
 */
export async function rewrapDeks(
  { store, keks, onTrouble, pauseMs = { away: backoffMs, refused: kekSuspendedMs.first } }: RewrapEnvironment,
  rewrap: ClaimedRewrap,
  signal: AbortSignal,
): Promise<'done' | 'left' | 'lost'> {
  const target = await keks.of(rewrap.kekId);
  const lost = new AbortController();
  const either = AbortSignal.any([signal, lost.signal]);
  const rate = createCallRate(rewrap.callsPerSecondMax, either);
  let waits: ReturnType<typeof waitingFor> | null = null;
  let pause = 0;
  /** Which KEKs it may be that hold it up. */
  let kekIds: readonly string[] = [];

  const note = async (leaves = false): Promise<void> => {
    const calls = rate.untold;
    const ours = await noteRewrap(store, rewrap, { calls, ...(waits ?? {}), leaves });
    if (ours) rate.told(calls);
    else lost.abort();
  };
  const beat = setInterval(() => void note().catch(() => {}), heartbeatWhileWaitingMs);

  /** False: it is not ours any more. */
  const keep = async (deks: readonly RewrappedDek[]): Promise<boolean> => {
    const calls = rate.untold;
    const stored = await storeRewrapped(store, rewrap, { kekUri: target.uri, calls, deks });
    if (stored === null) return false;
    rate.told(calls);
    waits = null;
    pause = 0;
    return true;
  };

  /** Whether some of those that are left are under a KEK which this worker lacks. */
  let lacks = false;

  /** Once over all that are left: what kept some of them from it. What is under a KEK that failed is passed over, and not tried. */
  const pass = async (): Promise<KmsError | null | 'lost'> => {
    let trouble: KmsError | null = null;
    let after: string | null = null;
    const failed = new Set<string>();
    lacks = false;
    for (;;) {
      const found = await deksToRewrap(
        store,
        rewrap.id,
        after,
        failed.size === 0 ? deksAtOnce : deksLookedAt,
      );
      if (found.length === 0) return trouble;
      const deks: DekToRewrap[] = found.filter(({ kekId }) => !failed.has(kekId)).slice(0, deksAtOnce);
      after = (deks.length === deksAtOnce ? deks : found).at(-1)?.id ?? null;
      const settled = await Promise.allSettled(deks.map((dek) => rewrapDek({ keks, target, rate }, dek)));
      either.throwIfAborted();
      const ready = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      if (ready.length > 0 && !(await keep(ready))) return 'lost';
      const works = new Set(
        deks.flatMap(({ kekId }, place) => (settled[place]?.status === 'fulfilled' ? [kekId] : [])),
      );
      for (const [place, one] of settled.entries()) {
        const dek = deks[place];
        if (one.status === 'fulfilled' || dek === undefined) continue;
        if (one.reason instanceof UnusableDek) {
          await setDekAside(store, rewrap, dek, 'CORRUPT');
          continue;
        }
        if (!(one.reason instanceof KmsError)) throw one.reason;
        trouble = graver(trouble, one.reason);
        if (trouble === one.reason)
          kekIds = trouble.kekId === undefined ? [...new Set([dek.kekId, target.id])] : [trouble.kekId];
        lacks ||= one.reason.code === 'NOT_HELD';
        if (one.reason.kekId === dek.kekId && dek.kekId !== target.id && !works.has(dek.kekId))
          failed.add(dek.kekId);
        // A KMS that answers nobody, or does not take them, is not asked for each of them.
        else if (ready.length === 0 && one.reason.code !== 'NOT_HELD') return trouble;
      }
    }
  };

  try {
    for (;;) {
      const trouble = await pass();
      const left = trouble === 'lost' ? null : await completeRewrap(store, rewrap);
      if (left === null) return 'lost';
      if (left === 0) return 'done';
      if (trouble === null || trouble === 'lost') {
        await sleep(lookAgainMs, undefined, { signal: either });
        continue;
      }
      if (waits === null || waits.waitingDetail.what !== trouble.message) onTrouble(trouble);
      waits = waitingFor(trouble, kekIds);
      if (trouble.code === 'NOT_HELD') {
        await note(true);
        return 'left';
      }
      await note();
      pause = Math.min(Math.max(pauseMs.away.first, pause * 2), pauseMs.away.max);
      const isRefused = trouble.code !== 'UNAVAILABLE';
      await sleep((isRefused ? pauseMs.refused : pause) * (0.8 + 0.2 * Math.random()), undefined, {
        signal: either,
      });
      // Whoever has what this one lacks cannot wait for what the KMS refuses to this one.
      if (lacks) {
        await note(true);
        return 'left';
      }
    }
  } catch (error) {
    if (lost.signal.aborted) return 'lost';
    if (!signal.aborted) throw error;
    waits = null;
    await note(true).catch(() => {}); // it is taken up by whoever finds it silent
    return 'left';
  } finally {
    clearInterval(beat);
  }
}

/** What another worker may have is said only where nothing else is in the way. */
function graver(before: KmsError | null, found: KmsError): KmsError {
  return before === null || before.code === 'NOT_HELD' ? found : before;
}

function waitingFor(trouble: KmsError, kekIds: readonly string[]) {
  const isRefused = trouble.code !== 'UNAVAILABLE' && trouble.code !== 'NOT_HELD';
  const what = trouble.message;
  return {
    waitingFor: isRefused ? 'kek_suspended' : 'kms',
    waitingDetail: {
      what,
      kekIds,
      todo:
        trouble.code === 'NOT_HELD'
          ? 'give that KEK to a worker (KEKS)'
          : trouble.code === 'CORRUPT'
            ? 'find out why that KEK does not give back what it was given, or cancel the rewrap'
            : isRefused
              ? 'enable the KEK, or give the workers the right to use it'
              : 'nothing, unless it lasts',
    },
  };
}
