import type { MarkedSnapshot, RotationView, Snapshot } from '@rekey/control';
import { StoreError } from '@rekey/db';
import type { Snapshots } from '@rekey/jobs';
import { redisBelievedMs } from '@rekey/times';
import { gather } from './gather.ts';

/** How rotations stand: from Redis what is live, from Postgres whose it is and that it has ended. */
export interface Status {
  /**
   * Null when there is no such rotation. Throws a `StoreError` while Postgres is away and has to be asked. For as long as
   * nothing new is known of a rotation it is the same object.
   */
  of(rotationId: string): RotationView | Promise<RotationView | null>;
  /** Postgres told this just now: nobody is to be told less. */
  told(snapshot: Snapshot): void;
}

export interface StatusSources {
  /** Those that there are. */
  readonly find: (rotationIds: readonly string[]) => Promise<readonly MarkedSnapshot[]>;
  /** Of those that there are, what tells whether one is still as it was found. */
  readonly marks: (rotationIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly snapshots: Pick<Snapshots<RotationView>, 'read'>;
  readonly now?: () => number;
}

/** What Postgres said of a rotation, when, and which version Redis has shown since. */
interface Known extends Snapshot {
  askedAt: number;
  shown: number;
  /** Null: it was told by a command. */
  readonly mark: string | null;
  /** What Redis shows, and the view that was made of it. */
  live: { readonly of: RotationView; readonly view: RotationView } | null;
}

/**
 * For so long after Postgres was asked Redis is believed. It cannot show more than was once true, since its snapshots are
 * sealed; it could show the same one for ever.
 */
const liveMs = redisBelievedMs;
/** An end is remembered only so that a crowd does not ask all at once: a database may be brought back to before it. */
const endMs = 1_000;
/** Ends that are polled at this age are looked at again together, before anybody has to wait for it. */
const renewedFromMs = 700;
const renewedTogetherMs = 100;
/** Of the rotations that are asked for, about 3 KB each. */
const knownMax = 5_000;

export function createStatus({
  find,
  marks,
  snapshots,
  now = () => performance.now(),
}: StatusSources): Status {
  const known = new Map<string, Known>();
  const due = new Set<string>();

  const remember = ({ view, version }: Snapshot, mark: string | null, askedAt: number): void => {
    // Two may have been asked at once, and the later one knows more.
    if ((known.get(view.id)?.askedAt ?? askedAt) > askedAt) return;
    known.delete(view.id);
    const [oldest] = known.size < knownMax ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    known.set(view.id, { view, version, mark, askedAt, shown: 0, live: null });
  };
  const ask = gather(async (rotationIds) => {
    const askedAt = now();
    const found = new Map((await find(rotationIds)).map((snapshot) => [snapshot.view.id, snapshot]));
    for (const rotationId of rotationIds) {
      const snapshot = found.get(rotationId);
      if (snapshot === undefined) known.delete(rotationId);
      else remember(snapshot, snapshot.mark, askedAt);
    }
    return new Map([...found].map(([rotationId, { view }]) => [rotationId, view]));
  });

  /** Ends whose rows are as they were found are believed anew; of others it is asked how they stand. */
  const renew = async (): Promise<void> => {
    const rotationIds = [...due];
    due.clear();
    const askedAt = now();
    const found = await marks(rotationIds);
    for (const rotationId of rotationIds) {
      const of = known.get(rotationId);
      if (of === undefined) continue;
      if (of.mark !== null && of.mark === found.get(rotationId)) of.askedAt = Math.max(of.askedAt, askedAt);
      else ask(rotationId).catch(() => {});
    }
  };
  const renewSoon = (rotationId: string): void => {
    // While Postgres is away they grow old, and who polls then asks for himself.
    if (due.size === 0) setTimeout(() => void renew().catch(() => {}), renewedTogetherMs).unref();
    due.add(rotationId);
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
    if (of.live?.of !== read.view)
      of.live = { of: read.view, view: { ...read.view, retryOf: of.view.retryOf } };
    return of.live.view;
  };

  const ofRunning = async (rotationId: string, of: Known): Promise<RotationView | null> => {
    if (now() - of.askedAt < liveMs) return (await live(rotationId, of)) ?? ask(rotationId);
    try {
      return await ask(rotationId);
    } catch (error) {
      // Whose it is does not change, and what is live may be told while Postgres is away.
      const away = error instanceof StoreError && error.code === 'UNAVAILABLE';
      const view = away ? await live(rotationId, of) : null;
      if (view === null) throw error;
      return view;
    }
  };

  return {
    told: (snapshot) => remember(snapshot, null, now()),
    of(rotationId) {
      const remembered = known.get(rotationId);
      if (remembered === undefined) return ask(rotationId);
      if (remembered.view.completedAt === null) return ofRunning(rotationId, remembered);
      const age = now() - remembered.askedAt;
      if (age >= endMs) return ask(rotationId);
      if (age >= renewedFromMs) renewSoon(rotationId);
      return remembered.view;
    },
  };
}
