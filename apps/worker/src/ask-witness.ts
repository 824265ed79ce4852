import { setTimeout as sleep } from 'node:timers/promises';
import { keepCosignature, listCheckpoints, readLogHashes } from '@rekey/control';
import type { Store } from '@rekey/db';
import {
  addCheckpointBody,
  cosignatureOf,
  createTree,
  readCheckpoints,
  type SignedCheckpoint,
  unlessMissing,
  type WitnessKey,
} from '@rekey/evidence';
import type { Logger } from '@rekey/runtime';

interface WitnessOptions {
  readonly store: Store;
  /** The submission prefix. */
  readonly url: string;
  readonly witness: WitnessKey;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly times?: { readonly everyMs: number; readonly tellMs: number };
}

const answerMs = 10_000;
/** More than any answer needs. */
const answerMaxBytes = 16_384;
const againMaxMs = 60_000;
const normal = { everyMs: 5_000, tellMs: 30_000 };

/**
 * Has a witness sign the latest checkpoint (C2SP's tlog-witness), and keeps what it signed beside ours. Nothing waits for it.
 * Resolves once the signal is there.
 */
export async function askWitness({
  store,
  url,
  witness,
  logger,
  signal,
  times: { everyMs, tellMs } = normal,
}: WitnessOptions): Promise<void> {
  /** The size that the witness signed last, as far as this process knows. */
  let known = 0;
  let failingSince: number | null = null;
  let isTold = false;

  /** Null: it has all there is; else how it went. */
  async function ask(): Promise<string | null> {
    const [latest] = await listCheckpoints(store, { before: null, limit: 1 });
    const next = latest === undefined ? undefined : readCheckpoints(latest.note)[0];
    if (next === undefined || cosignatureOf(next, witness) !== null) return null;
    const first = await submit(next);
    // It knows another size than we thought; it says which.
    const said = /^([0-9]{1,15})\n$/.exec(first.status === 409 ? first.text : '')?.[1];
    if (said === undefined) return keep(next, first);
    if (Number(said) > next.size) return 'it saw a longer log than this';
    known = Number(said);
    return keep(next, await submit(next));
  }

  async function submit(next: SignedCheckpoint): Promise<{ status: number; text: string }> {
    const tree = createTree(next.size, (level, from, count) => readLogHashes(store, level, from, count));
    const path = known === 0 || known === next.size ? [] : await unlessMissing(tree.consistency(known));
    if (path === null) return { status: 0, text: '' };
    const answer = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: addCheckpointBody(known, path, next.note),
      // Where it sends us nobody has agreed to.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    return { status: answer.status, text: await start(answer) };
  }

  async function keep(
    next: SignedCheckpoint,
    { status, text }: { status: number; text: string },
  ): Promise<string | null> {
    if (status !== 200) return status === 0 ? 'the log in the database is not whole' : `it answers ${status}`;
    const signed = cosignatureOf({ ...next, note: text }, witness);
    if (signed === null) return 'what it answers is not signed by WITNESS_KEY';
    await keepCosignature(store, { size: next.size, witness: witness.name, line: signed.line });
    known = next.size;
    return null;
  }

  for (let failed = 0; !signal.aborted; ) {
    const trouble = await ask().catch((error: unknown) =>
      error instanceof TypeError || error instanceof DOMException ? 'it does not answer' : undefined,
    );
    failed = trouble === null ? 0 : failed + 1;
    // Undefined: our database is away, which says nothing of the witness.
    if (trouble === null) {
      if (isTold) logger.info('checkpoints are signed by the witness again');
      [failingSince, isTold] = [null, false];
    } else if (trouble !== undefined) {
      failingSince ??= performance.now();
      if (!isTold && performance.now() - failingSince >= tellMs) {
        logger.warn('checkpoints are not signed by the witness at WITNESS_URL', { outcome: trouble });
        isTold = true;
      }
    }
    const pause = Math.min(everyMs * 2 ** Math.min(failed, 10), Math.max(everyMs, againMaxMs));
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

async function start(answer: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of answer.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > answerMaxBytes) break;
  }
  return text;
}
