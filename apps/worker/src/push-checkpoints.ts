import { setTimeout as sleep } from 'node:timers/promises';
import { listCheckpoints } from '@rekey/control';
import type { Store } from '@rekey/db';
import { readCheckpoints, type SignedCheckpoint } from '@rekey/evidence';
import type { Logger } from '@rekey/runtime';

interface CheckpointPushes {
  /** The latest that the other side took from this process; null: none yet. */
  last(): SignedCheckpoint | null;
  /** For how long the other side has not taken what there is, in seconds; 0: it has all. */
  behindSeconds(): number;
  /** Resolves once the signal is there. */
  readonly done: Promise<void>;
}

interface PushOptions {
  readonly store: Store;
  /** May hold a password, so that neither it nor what `fetch` says of it comes into a log. */
  readonly url: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onTried?: ((outcome: 'taken' | 'refused' | 'away') => void) | undefined;
  readonly times?: { readonly everyMs: number; readonly tellMs: number };
}

const answerMs = 10_000;
const againMaxMs = 60_000;
const normal = { everyMs: 5_000, tellMs: 30_000 };

/**
 * Sends the latest checkpoint to an address, one at a time and again until it is taken. It covers all before it, so none is sent
 * late once there is a later one. Nothing waits for this.
 */
export function pushCheckpoints({
  store,
  url,
  logger,
  signal,
  onTried = () => {},
  times: { everyMs, tellMs } = normal,
}: PushOptions): CheckpointPushes {
  let taken: SignedCheckpoint | null = null;
  let behindSince: number | null = null;
  let isTold = false;
  const { address, headers } = requestTo(url);

  async function push(): Promise<boolean> {
    const [latest] = await listCheckpoints(store, { before: null, limit: 1 });
    const next = latest === undefined ? undefined : readCheckpoints(latest.note)[0];
    if (next === undefined || next.note === taken?.note) {
      behindSince = null;
      return true;
    }
    behindSince ??= performance.now();
    const outcome = await send(next.note);
    onTried(outcome);
    if (outcome === 'taken') {
      taken = next;
      behindSince = null;
      if (isTold) logger.info('checkpoints are taken at CHECKPOINT_URL again');
      isTold = false;
      return true;
    }
    if (!isTold && performance.now() - behindSince >= tellMs) {
      logger.warn('checkpoints are not taken at CHECKPOINT_URL: it answers otherwise or not at all', {
        outcome,
      });
      isTold = true;
    }
    return false;
  }

  async function send(note: string): Promise<'taken' | 'refused' | 'away'> {
    try {
      const answer = await fetch(address, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
        body: note,
        // Where it sends us nobody has agreed to.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
      });
      // Whatever it says is not read.
      await answer.body?.cancel().catch(() => {});
      return answer.ok ? 'taken' : 'refused';
    } catch {
      return 'away';
    }
  }

  async function run(): Promise<void> {
    for (let failed = 0; !signal.aborted; ) {
      // While Postgres is away there is nothing to send; others say that.
      const isWell = await push().catch(() => true);
      failed = isWell ? 0 : failed + 1;
      await sleep(Math.min(everyMs * 2 ** Math.min(failed, 10), Math.max(everyMs, againMaxMs)), undefined, {
        signal,
      }).catch(() => {});
    }
  }

  return {
    last: () => taken,
    behindSeconds: () => (behindSince === null ? 0 : Math.round((performance.now() - behindSince) / 1_000)),
    done: run(),
  };
}

/** `fetch` takes no password in an address. */
function requestTo(url: string): { address: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  if (username === '' && password === '') return { address: parsed.href, headers: {} };
  const pair = `${unescaped(username)}:${unescaped(password)}`;
  return {
    address: parsed.href,
    headers: { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` },
  };
}

/** A percent sign that begins no byte stands for itself. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
