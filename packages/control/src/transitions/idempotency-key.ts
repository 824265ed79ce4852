import { inTransaction, type Queryable, rows, type Store } from '@rekey/db';
import { keptAnswer } from '../kept-answer.ts';
import type { RotationView } from '../rotation-view.ts';

export interface IdempotencyKey {
  readonly caller: string;
  readonly key: string;
  /** Of what was asked for: the same key for something else is refused. */
  readonly bodyHash: Buffer;
  /** What a later call with this key is answered, to the byte. Kept as it is: nothing in it means anything here. */
  readonly answer: (view: RotationView) => Uint8Array;
}

/** Deletes keys that are not honoured any more, some at a time. */
export async function forgetIdempotencyKeys(on: Queryable): Promise<void> {
  await rows(on, 'select rekey.forget_idempotency_keys()');
}

interface KeptAnswer {
  readonly body_hash: Buffer;
  readonly response: string;
}

/** Null when the key is ours now; else what it was used for. Waits for a concurrent call with the same key. */
export async function claimIdempotencyKey(
  tx: Queryable,
  { caller, key, bodyHash }: IdempotencyKey,
  rotationId: string,
): Promise<KeptAnswer | null> {
  const [kept] = await rows<KeptAnswer>(
    tx,
    'select body_hash, response from rekey.claim_idempotency_key($1, $2, $3, $4)',
    [caller, key, bodyHash, rotationId],
  );
  return kept ?? null;
}

/** Keeps the answer with a key that is ours, and gives it back. */
export async function keepAnswer(
  tx: Queryable,
  idempotency: IdempotencyKey,
  view: RotationView,
): Promise<Uint8Array> {
  const answer = idempotency.answer(view);
  await rows(tx, 'select rekey.keep_answer($1, $2, $3)', [
    idempotency.caller,
    idempotency.key,
    keptAnswer(answer),
  ]);
  return answer;
}

/** What is done in one transaction and taken back for outcomes that are not to be kept, its key among it. */
export async function keepOnly<Outcome>(
  store: Store,
  isKept: (outcome: Outcome) => boolean,
  work: (tx: Queryable) => Promise<Outcome>,
): Promise<Outcome> {
  const done: Outcome[] = [];
  await inTransaction(store, async (tx) => {
    done.push(await work(tx));
    if (!done.every(isKept)) throw new NothingToKeep();
  }).catch((error: unknown) => {
    if (!(error instanceof NothingToKeep)) throw error;
  });
  const [outcome] = done;
  if (outcome === undefined) throw new Error('a transaction committed without an outcome');
  return outcome;
}

/** Rolls the transaction back without being an error to the caller. */
class NothingToKeep extends Error {}
