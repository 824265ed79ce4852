import { templateId } from '@rekey/control';
import type { Keks } from '@rekey/kms';
import { isRoundTrip } from './round-trip.ts';

/** Which KEKs of this process wrap and unwrap, and since when that is known. */
export interface RoundTrips {
  /** Tries those that it is time for: all now and then, one that failed sooner. */
  tryDue(): Promise<void>;
  /** What was proved and not told yet, by ages in milliseconds. */
  untold(max: number): Array<{ readonly kekId: string; readonly ms: number }>;
  told(kekIds: readonly string[]): void;
}

interface Pauses {
  readonly everyMs: number;
  /** After the first failure; doubled by each that follows, up to that. */
  readonly failedMs: number;
}

/**
 * A KMS that is away for a moment, just when a process starts, must not have it counted among those that lack the KEK until
 * its next turn: nobody could bring anything under that KEK meanwhile. One that always fails is soon asked no oftener than the others.
 */
export function createRoundTrips(keks: Keks, { everyMs, failedMs }: Pauses): RoundTrips {
  const next = new Map<string, { readonly at: number; readonly pauseMs: number }>();
  const provedAt = new Map<string, number>();
  const untold = new Set<string>();
  // What makes KEKs of tenants is not tried, only known: one of them says nothing of the next.
  const templates = [...(keks.tenantKeks?.templates.keys() ?? [])].map(templateId);

  const note = (id: string, isProved: boolean): void => {
    const now = performance.now();
    const pauseMs = isProved ? 0 : Math.min(everyMs, (next.get(id)?.pauseMs ?? 0) * 2 || failedMs);
    next.set(id, { at: now + (isProved ? everyMs : pauseMs), pauseMs });
    if (!isProved) return;
    provedAt.set(id, now);
    untold.add(id);
  };
  const isDue = (id: string): boolean => (next.get(id)?.at ?? 0) <= performance.now();

  return {
    async tryDue() {
      for (const id of templates.filter(isDue)) note(id, true);
      const due = keks.held.filter(({ id }) => isDue(id));
      await Promise.all(due.map(async (kek) => note(kek.id, await isRoundTrip(kek))));
    },
    untold: (max) =>
      [...untold].slice(0, max).map((kekId) => ({
        kekId,
        ms: Math.max(0, Math.round(performance.now() - (provedAt.get(kekId) ?? 0))),
      })),
    told(kekIds) {
      for (const kekId of kekIds) untold.delete(kekId);
    },
  };
}
