import type { RotationView, Snapshot } from '@rekey/control';
import { StoreError } from '@rekey/db';
import type { Snapshots } from '@rekey/jobs';
import { redisBelievedMs } from '@rekey/times';

/** How rotations stand: from Redis what is live, from Postgres whose it is and that it has ended. */
export interface Status {
  /** Null when there is no such rotation. Throws a `StoreError` while Postgres is away and has to be asked. */
  of(rotationId: string): Promise<RotationView | null>;
  /** Postgres told this just now: nobody is to be told less. */
  told(snapshot: Snapshot): void;
}

export interface StatusSources {
  readonly find: (rotationId: string) => Promise<Snapshot | null>;
  readonly snapshots: Pick<Snapshots<RotationView>, 'read'>;
  readonly now?: () => number;
}

/** What Postgres said of a rotation, when, and which version Redis has shown since. */
interface Known extends Snapshot {
  readonly askedAt: number;
  shown: number;
}

/**
 * For so long after Postgres was asked Redis is believed. It cannot show more than was once true, since its snapshots are
 * sealed; it could show the same one for ever.
 */
const liveMs = redisBelievedMs;
/** An end is remembered only so that a crowd does not ask all at once: a database may be brought back to before it. */
const endMs = 1_000;
/** Of the rotations that are asked for, about 2 KB each. */
const knownMax = 5_000;

export function createStatus({ find, snapshots, now = () => performance.now() }: StatusSources): Status {
  const known = new Map<string, Known>();

  const remember = ({ view, version }: Snapshot, askedAt: number): void => {
    known.delete(view.id);
    const [oldest] = known.size < knownMax ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    known.set(view.id, { view, version, askedAt, shown: 0 });
  };
  const ask = async (rotationId: string): Promise<RotationView | null> => {
    const askedAt = now();
    const found = await find(rotationId);
    if (found === null) known.delete(rotationId);
    else remember(found, askedAt);
    return found?.view ?? null;
  };

  /**
   * A snapshot that is newer than what Postgres said and not older than what was shown; and no end, which is Postgres'
   * to tell. One of the same version is not newer: a phase may change without one.
   */
  const live = async (rotationId: string, of: Known): Promise<RotationView | null> => {
    const read = await snapshots.read({ rotationId, tenantId: of.view.tenantId });
    if (read === null || read.final || read.view.completedAt !== null) return null;
    if (read.version <= of.version || read.version < of.shown) return null;
    of.shown = read.version;
    // Workers of the version before this one do not say it; it never changes.
    return { ...read.view, retryOf: of.view.retryOf };
  };

  return {
    told: (snapshot) => remember(snapshot, now()),
    async of(rotationId) {
      const remembered = known.get(rotationId);
      if (remembered === undefined) return ask(rotationId);
      const ended = remembered.view.completedAt !== null;
      if (now() - remembered.askedAt < (ended ? endMs : liveMs))
        return ended ? remembered.view : ((await live(rotationId, remembered)) ?? ask(rotationId));
      try {
        return await ask(rotationId);
      } catch (error) {
        // Whose it is does not change, and what is live may be told while Postgres is away.
        const away = error instanceof StoreError && error.code === 'UNAVAILABLE';
        const view = away && !ended ? await live(rotationId, remembered) : null;
        if (view === null) throw error;
        return view;
      }
    },
  };
}
