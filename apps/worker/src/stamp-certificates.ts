import type { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimCertificateStamps, keepCertificateStamp, type StampDue } from '@rekey/control';
import type { Store } from '@rekey/db';
import { stampedBytes, stampQuery, tokenIn, verifyStamp } from '@rekey/evidence';
import type { Logger } from '@rekey/runtime';

interface StampOptions {
  readonly store: Store;
  readonly url: string;
  /** Whose stamps count: what these do not vouch for is not kept. */
  readonly cas: readonly X509Certificate[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly times?: typeof normal;
}

/** More than any answer needs. */
const answerMaxBytes = 65_536;
const againMaxMs = 60_000;
const normal = { everyMs: 5_000, tellMs: 30_000, answerMs: 10_000 };
/** Taken up by one worker in one turn, and asked for one after the other. */
const atOnce = 10;
/** What has none from earlier, as before there was an authority, is looked for seldom. */
const recentHours = 1;
const everHours = 1_000_000;
const turnsPerAll = 120;

/**
 * Has a time stamp authority (RFC 3161) date the signature of each certificate, and keeps what it signed. No certificate waits for
 * it. Resolves once the signal is there.
 */
export async function stampCertificates({
  store,
  url,
  cas,
  logger,
  signal,
  times: { everyMs, tellMs, answerMs } = normal,
}: StampOptions): Promise<void> {
  let failingSince: number | null = null;
  let isTold = false;

  /** Null: it is stamped; else how it went. */
  async function stamp(work: StampDue): Promise<string | null> {
    const bytes = stampedBytes(work.dsse);
    const { query, nonce } = stampQuery(bytes);
    const answer = await ask(query);
    if (typeof answer === 'string') return answer;
    const token = tokenOf(answer);
    if (token === null) return 'it grants no time stamp';
    const verdict = verifyStamp(token, bytes, { cas, nonce });
    if (!verdict.trusted) return verdict.reason;
    await keepCertificateStamp(store, work, token);
    return null;
  }

  async function ask(query: Buffer): Promise<Buffer | string> {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
        body: query,
        // Where it sends us nobody has agreed to.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
      });
      if (answer.status === 200) return await bodyOf(answer);
      await answer.body?.cancel().catch(() => {});
      return `it answers ${answer.status}`;
    } catch {
      return 'it does not answer';
    }
  }

  /** How it went, as above; and whether there may be more. */
  async function turn(hours: number): Promise<{ trouble: string | null | undefined; isFull: boolean }> {
    const due = await claimCertificateStamps(store, hours, atOnce);
    for (const work of due) {
      const trouble = signal.aborted ? 'this worker stops' : await stamp(work);
      // The others would fare no better.
      if (trouble !== null) return { trouble, isFull: false };
    }
    return { trouble: null, isFull: due.length === atOnce };
  }

  let [failed, hours] = [0, everHours];
  for (let n = 1; !signal.aborted; n += 1) {
    // Undefined: our database is away, which says nothing of the authority.
    const { trouble, isFull } = await turn(hours).catch(() => ({ trouble: undefined, isFull: false }));
    failed = trouble === null ? 0 : failed + 1;
    if (!isFull) hours = n % turnsPerAll === 0 ? everHours : recentHours;
    if (trouble === null) {
      if (isTold) logger.info('certificates get time stamps again');
      [failingSince, isTold] = [null, false];
    } else if (trouble !== undefined) {
      failingSince ??= performance.now();
      if (!isTold && performance.now() - failingSince >= tellMs) {
        logger.warn('certificates get no time stamps from CERTIFICATE_TIMESTAMP_URL', { outcome: trouble });
        isTold = true;
      }
    }
    if (isFull) continue;
    const pause = Math.min(everyMs * 2 ** Math.min(failed, 10), Math.max(everyMs, againMaxMs));
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

/** Null: that is no answer, or it says no. */
function tokenOf(answer: Buffer): Buffer | null {
  try {
    return tokenIn(answer);
  } catch {
    return null;
  }
}

async function bodyOf(answer: Response): Promise<Buffer | string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of answer.body ?? []) {
    pieces.push(piece);
    length += piece.length;
    // Leaving the loop closes the connection.
    if (length > answerMaxBytes) return 'it answers more than a time stamp';
  }
  return Buffer.concat(pieces);
}
