import { askThrottleQuery } from '@rekey/control';
import type { Store } from '@rekey/db';
import { quiet, type Reading, type Signal } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { askedMs } from '@rekey/times';

/** Asked so often, from one answer to the next question. */
const everyMs = { query: 500, http: 200 } as const;
/** What keeps the sweep for so long since it cannot be asked is told, and again so often. */
const toldAfterMs = 30_000;
const toldEveryMs = 300_000;

/** What only the operator knows, by a query: true or a number above 0 stops the sweep, in whichever row. */
export function querySwitch(store: Store, query: string, role: string | null, logger: Logger): Signal {
  return askedSwitch('query', everyMs.query, logger, async () => {
    const answers = await inTime(askThrottleQuery(store, query, role));
    const said = answers.map(stopsBy).find((answer) => answer !== null);
    return said === undefined ? null : `THROTTLE_SQL says ${said}`;
  });
}

/** What stops the sweep, or null. Of a type that says neither yes nor no nobody knows what was meant by it. */
function stopsBy(answer: unknown): string | null {
  if (answer === null || answer === false) return null;
  if (answer === true) return 'true';
  const isNumber = typeof answer === 'number' || (typeof answer === 'string' && answer.trim() !== '');
  const number = isNumber ? Number(answer) : Number.NaN;
  if (Number.isNaN(number)) throw new Error('THROTTLE_SQL yields neither a boolean nor a number');
  return number > 0 ? String(number) : null;
}

/** The same by a URL: 200 lets it go, 429 and 503 stop it. */
export function httpSwitch(url: string, logger: Logger): Signal {
  return askedSwitch('http', everyMs.http, logger, async () => {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(askedMs) });
    await answer.body?.cancel();
    const { status } = answer;
    if (status === 200) return null;
    if (status === 429 || status === 503) return `THROTTLE_HTTP answers ${status}`;
    throw new Error(`THROTTLE_HTTP answers ${status}`);
  });
}

/**
 * A switch whose answer is why the sweep is to stand still, or null. One that cannot be asked is taken for off: whoever put
 * it there wants a say, and a rotation that waits loses nothing.
 */
function askedSwitch(
  name: 'query' | 'http',
  askedEveryMs: number,
  logger: Logger,
  ask: () => Promise<string | null>,
): Signal {
  let failingSinceMs: number | null = null;
  let toldMs = 0;
  return {
    name,
    everyMs: askedEveryMs,
    async read(): Promise<Reading> {
      try {
        const why = await ask();
        failingSinceMs = null;
        return why === null ? quiet : { level: 'stop', detail: why };
      } catch (error) {
        const nowMs = performance.now();
        failingSinceMs ??= nowMs;
        if (nowMs - failingSinceMs >= toldAfterMs && (toldMs === 0 || nowMs - toldMs >= toldEveryMs)) {
          toldMs = nowMs;
          logger.warn('a switch that stops the sweep cannot be asked, so the sweep stands still', {
            signal: name,
            error,
          });
        }
        return { level: 'stop', detail: `${settings[name]} could not be asked: ${reasonOf(error)}` };
      }
    },
  };
}

const settings = { query: 'THROTTLE_SQL', http: 'THROTTLE_HTTP' } as const;

/** Neither a text of the server's nor a URL, in which there may be a secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  if (error.name === 'TimeoutError') return `no answer within ${askedMs / 1_000} s`;
  return error.message.startsWith('THROTTLE_') ? error.message : 'it failed; the log says more';
}

async function inTime<Answer>(work: Promise<Answer>): Promise<Answer> {
  const late = AbortSignal.timeout(askedMs);
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(late.reason), { once: true });
    }),
  ]);
}
