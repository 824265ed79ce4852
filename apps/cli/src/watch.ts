import { type Client, ClientError, type Rotation } from '@rekey/client';
import { type Call, UsageError } from './command.ts';
import { exitCodeOfRotation, exitCodes } from './exit-codes.ts';
import { tellFacts } from './facts.ts';
import { details, detailsLabel, progress } from './rotation-text.ts';

const everyMs = 500;
/** A stream tells how it stands at once; one that keeps silent is held back by something between. */
const firstWordMs = 5_000;
const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const timeout = {
  value: 'TIME',
  about: 'as in 90s, 10m or 2h; without it, as long as it takes',
} as const;

/** Follows a rotation to its end and tells how that was. Ctrl-C ends the following only. */
export async function watch(call: Call, rotationId: string): Promise<number> {
  const { out, err, signal } = call;
  const timeoutMs = durationMs(call.option('timeout'));
  let noticed = '';
  const show = (rotation: Rotation): void => {
    if (call.on('json')) return;
    if (out.live) {
      out.draw(progress(rotation));
      return;
    }
    // Where nothing can be drawn in place: a line for what is worth one.
    const { phase, status, waitingFor, percentComplete } = rotation;
    const notable = `${phase} ${status} ${waitingFor} ${Math.floor(percentComplete / 10)}`;
    if (notable !== noticed) out.line(progress(rotation));
    noticed = notable;
  };
  try {
    const client = call.client(true);
    const begun = performance.now();
    await followed(client, rotationId, { timeoutMs, onUpdate: show });
    // Also behind a stream that told of the end: of a plan, and of what it came to, only the status knows.
    const ended = await client.waitFor(rotationId, {
      everyMs,
      timeoutMs: timeoutMs - (performance.now() - begun),
      onUpdate: show,
    });
    out.settle();
    call.tell(ended, () => tellFacts(out, details(ended), { least: detailsLabel }));
    return exitCodeOfRotation(ended);
  } catch (error) {
    out.settle();
    if (!signal.aborted) throw error;
    err.line(`Not watched any more; ${rotationId} goes on. To follow it again: rekey wait ${rotationId}`);
    return exitCodes.interrupted;
  }
}

interface Following {
  readonly timeoutMs: number;
  readonly onUpdate: (rotation: Rotation) => void;
}

/** By the stream of events, to the end, or for as long as it is to be had. */
async function followed(
  client: Client,
  rotationId: string,
  { timeoutMs, onUpdate }: Following,
): Promise<void> {
  const stop = new AbortController();
  const until = (ms: number) =>
    ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => stop.abort(), Math.min(ms, timerMaxMs));
  const timer = until(timeoutMs);
  let silence = until(firstWordMs);
  try {
    for await (const told of client.follow(rotationId, { signal: stop.signal })) {
      clearTimeout(silence);
      silence = undefined;
      if (told.kind === 'event') continue;
      onUpdate(told.rotation);
      if (told.rotation.completedAt !== null) return;
    }
  } catch (error) {
    if (!stop.signal.aborted && !(error instanceof ClientError)) throw error;
  } finally {
    clearTimeout(timer);
    clearTimeout(silence);
  }
}

/** The longest that Node's timers know. */
const timerMaxMs = 2 ** 31 - 1;

export function durationMs(text: string | undefined, option = 'timeout'): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit] = /^([0-9]{1,6})([smh])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined)
    throw new UsageError(`--${option} is such as 90s, 10m or 2h.`);
  return Number(digits) * unitsMs[unit as keyof typeof unitsMs];
}
