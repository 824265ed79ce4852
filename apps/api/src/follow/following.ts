import type { Readable } from 'node:stream';
import type { ByeReason } from '@rekey/contract';
import type { FollowedRotation, RotationView } from '@rekey/control';
import type { Logger } from '@rekey/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { type Caller, callerOf, identityOf, isSuperAdmin } from '../auth/caller.ts';
import type { Rotations } from '../dependencies.ts';
import { rotationEventJson, rotationJson } from '../rotation-json.ts';
import { comment, type EventStream, frame, openEventStream, retryField } from './event-stream.ts';
import type { TakePlace } from './stream-limits.ts';

export interface Following {
  /** The body of a stream that tells that rotation, until it has ended. Throws RATE_LIMITED, or what reading it throws. */
  follow(
    rotationId: string,
    lastEventId: string | undefined,
    call: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ): Promise<Readable>;
  /** Says goodbye to all, and takes no more. */
  close(): void;
}

/** One stream. */
interface Follower {
  readonly rotationId: string;
  readonly caller: Caller;
  readonly requestId: string;
  readonly stream: EventStream;
  /** The sequence of the last event that was told. */
  after: number;
  /** There are more events to tell than fitted. */
  behind: boolean;
  /** What it was told last of how the rotation stands. */
  told: Buffer;
  writtenAtMs: number;
}

/** All that is followed is read so often, by one statement. */
const lookEveryMs = 1_000;
/** Between two pages for those who have much to catch up with. */
const pagePauseMs = 50;
const eventsPerPage = 50;
/** Proxies and clients take a connection for dead where nothing comes for half a minute or so. */
const commentAfterMs = 15_000;
/** Who has left so much lying when there is more to tell reads too slowly. */
const untakenMax = 64 * 1024;

/**
 * Tells rotations to those who follow them. What is told comes from Postgres alone, and however many streams there are, it is
 * read once a second for all; while it cannot be read they stay, and are told later.
 */
export function createFollowing(
  rotations: Pick<Rotations, 'beginToFollow' | 'readFollowed'>,
  takePlace: TakePlace,
  logger: Logger,
): Following {
  const followers = new Set<Follower>();
  let [closed, looking, failing] = [false, false, false];
  let nextLookMs = 0;
  let timer: NodeJS.Timeout | undefined;

  const write = (follower: Follower, parts: readonly Buffer[]): void => {
    if (parts.length === 0) return;
    const { stream, requestId, rotationId } = follower;
    if (stream.untaken() > untakenMax) {
      logger.info('a stream was cut off: its client reads too slowly', { requestId, rotationId });
      stream.cut();
      followers.delete(follower);
      return;
    }
    stream.write(Buffer.concat(parts));
    follower.writtenAtMs = performance.now();
  };

  const sayGoodbye = (follower: Follower, reason: ByeReason): void => {
    if (followers.delete(follower)) follower.stream.end(frame('bye', { reason }));
  };

  /** The events, how the rotation stands if that has changed, and the end. */
  const tell = (follower: Follower, { view, events }: FollowedRotation, progress: Buffer): void => {
    const parts = events.map((event) => frame('event', rotationEventJson(event), event.sequence));
    follower.after = events.at(-1)?.sequence ?? follower.after;
    follower.behind = events.length === eventsPerPage;
    if (!progress.equals(follower.told)) parts.push(progress);
    follower.told = progress;
    write(follower, parts);
    if (view.completedAt !== null && !follower.behind) sayGoodbye(follower, 'ended');
  };

  const look = async (wanted: readonly Follower[]): Promise<void> => {
    if (wanted.length === 0) return;
    const asked = new Map(wanted.map((follower) => [placeOf(follower), follower]));
    const found = await rotations.readFollowed([...asked.values()], eventsPerPage);
    const byPlace = new Map(found.map((one) => [placeOf(one), { one, render: progressFor(one.view) }]));
    // Those that came meanwhile have their turn in the next look.
    for (const follower of wanted) {
      if (!followers.has(follower)) continue;
      const state = byPlace.get(placeOf(follower));
      if (state === undefined) sayGoodbye(follower, 'gone');
      else tell(follower, state.one, state.render(follower.caller));
    }
  };

  const round = async (): Promise<void> => {
    looking = true;
    const all = performance.now() >= nextLookMs;
    if (all) nextLookMs = performance.now() + lookEveryMs;
    try {
      await look([...followers].filter((follower) => all || isReadyForMore(follower)));
      failing = false;
    } catch (error) {
      if (!failing) logger.warn('followed rotations cannot be read; their streams stay open', { error });
      failing = true;
      nextLookMs = performance.now() + lookEveryMs;
    }
    looking = false;
    schedule();
  };

  const schedule = (): void => {
    clearTimeout(timer);
    if (looking || followers.size === 0) return;
    // Whether they have taken what they were sent shows then.
    const soon = !failing && [...followers].some(({ behind }) => behind);
    const waitMs = Math.max(0, nextLookMs - performance.now());
    timer = setTimeout(() => void round(), soon ? Math.min(pagePauseMs, waitMs) : waitMs);
  };

  /** Apart from looking, which may take long. */
  const tend = setInterval(() => {
    const now = performance.now();
    for (const follower of followers) {
      if (Date.now() >= (follower.caller.expiresAtMs ?? 0)) sayGoodbye(follower, 'token_expired');
      else if (now - follower.writtenAtMs >= commentAfterMs) write(follower, [comment]);
    }
  }, lookEveryMs).unref();

  return {
    async follow(rotationId, lastEventId, { request, reply }) {
      if (closed) throw new ApiError('SERVICE_UNAVAILABLE');
      const caller = callerOf(request);
      const giveBack = takePlace(identityOf(caller));
      try {
        const lastSeen = sequenceIn(lastEventId);
        const begun = await rotations.beginToFollow(rotationId, lastSeen);
        if (begun === null) throw new ApiError('ROTATION_NOT_FOUND');
        const { view, after } = begun;
        const stream = openEventStream(reply.raw);
        const follower: Follower = {
          rotationId,
          caller,
          requestId: request.id,
          stream,
          after,
          // Whether there is anything to catch up with shows at the first look.
          behind: lastSeen === after || view.completedAt !== null,
          told: progressFor(view)(caller),
          writtenAtMs: performance.now(),
        };
        stream.body.on('close', () => {
          followers.delete(follower);
          giveBack();
        });
        followers.add(follower);
        stream.write(Buffer.concat([retryField, frame('snapshot', rotationJson(view, caller))]));
        if (closed) sayGoodbye(follower, 'shutdown');
        else if (reply.raw.destroyed) stream.cut();
        schedule();
        return stream.body;
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    close() {
      closed = true;
      clearInterval(tend);
      clearTimeout(timer);
      for (const follower of followers) sayGoodbye(follower, 'shutdown');
    },
  };
}

/** Those at one place are told the same. */
function placeOf({ rotationId, after }: Pick<FollowedRotation, 'rotationId' | 'after'>): string {
  return `${rotationId} ${after}`;
}

/** Nobody is sent more than is taken: the next page goes to who has taken the one before. */
function isReadyForMore({ behind, stream }: Follower): boolean {
  return behind && stream.untaken() === 0;
}

/** How a rotation stands, for each caller who may see as much of it made once. */
function progressFor(view: RotationView): (caller: Caller) => Buffer {
  const made = new Map<boolean, Buffer>();
  return (caller) => {
    const sees = isSuperAdmin(caller);
    const bytes = made.get(sees) ?? frame('progress', rotationJson(view, caller));
    made.set(sees, bytes);
    return bytes;
  };
}

/** Null for what can be no sequence of ours, and so is none that is known. */
function sequenceIn(lastEventId: string | undefined): number | null {
  return lastEventId !== undefined && /^[1-9][0-9]{0,14}$/.test(lastEventId) ? Number(lastEventId) : null;
}
