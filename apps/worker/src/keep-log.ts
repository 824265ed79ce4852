import {
  appendLog,
  appendLogHeads,
  checkpointsAfter,
  headsInLog,
  type Installation,
  installationChain,
  keepCheckpoint,
  listCheckpoints,
  loadInstallation,
  lockLog,
  logHeads,
  placesInLog,
  readLogHashes,
  registerSecondSigningKey,
  registerSigningKey,
} from '@rekey/control';
import { inTransaction, type Queryable, type Store } from '@rekey/db';
import {
  type Coverage,
  coverageOf,
  createTree,
  headsTree,
  isConsistent,
  originOf,
  readCheckpoints,
  type SignedCheckpoint,
  type Signer,
  signCheckpoint,
  unlessMissing,
} from '@rekey/evidence';
import { KmsError } from '@rekey/kms';
import type { Logger } from '@rekey/runtime';
import { appendNote, lastIn } from './checkpoint-file.ts';
import type { OpenSigner } from './usable-signer.ts';

interface LogDependencies {
  readonly store: Store;
  /** Null: this worker appends, and signs nothing. */
  readonly signer: OpenSigner | null;
  /** Signs checkpoints besides, always or never. */
  readonly secondSigner?: Signer | null;
  /** Where checkpoints are written outside of the database; undefined: nowhere. */
  readonly file: string | undefined;
  /** Where there is no file: the latest that was sent elsewhere. */
  readonly sent?: (() => SignedCheckpoint | null) | undefined;
  readonly logger: Logger;
}

/** By one statement; what is left comes with the next. */
const atOnce = 2_000;
const statementsAtOnce = 20;
/** Chains with an event in so many seconds are looked at each time, the others now and then. */
const recentSeconds = 60;

export interface KeepLog {
  /** Appends what is not in the log yet, of all chains or of those that had an event lately. */
  append(all: boolean): Promise<void>;
  /** Signs a checkpoint if there is anything new, and writes to the file what it has not yet. */
  checkpoint(): Promise<void>;
  /**
   * Signs what the log is now, for certificates: what shows that each of these events is in it; null: it is not yet, or this
   * log is not to be signed. Not kept among the checkpoints, which end with the heads of all chains: to read those each
   * time would be dear with many tenants.
   */
  cover(events: readonly EventPlace[], signer: Signer): Promise<ReadonlyArray<Coverage | null>>;
}

/** Which event. */
export interface EventPlace {
  readonly chain: string;
  readonly sequence: number;
}

/**
 * Brings events into the log and signs what it then is. Any number of workers may do it at once: whoever finds the log locked
 * leaves it to the one that has it.
 */
export function createKeepLog({
  store,
  signer: open,
  secondSigner = null,
  file,
  sent = () => null,
  logger,
}: LogDependencies): KeepLog {
  let installation: Installation | undefined;
  // Each time, so that nobody misses it: this is what the log is for.
  const tell = (message: string, facts = {}): void => logger.error(message, facts);

  async function append(all: boolean): Promise<void> {
    for (let n = 0; n < statementsAtOnce; n += 1) {
      const appended = await appendLog(store, all ? null : recentSeconds, atOnce);
      if (appended < atOnce) return;
    }
  }

  async function checkpoint(): Promise<void> {
    if (open === null) return;
    try {
      await signAndWrite(await open());
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      tell('no checkpoint is signed: the signing key cannot be used', { error });
    }
  }

  async function cover(
    events: readonly EventPlace[],
    signer: Signer,
  ): Promise<ReadonlyArray<Coverage | null>> {
    if (events.length === 0) return [];
    await append(false);
    const origin = await ownOrigin();
    // Before the size: what is written outside meanwhile may be of a larger one.
    const before = await signedBefore(store, await lastOutside());
    const { size, places } = await placesInLog(store, events);
    const isOurs =
      before === undefined || (before.origin === origin && (await beginsWith(store, size, before)));
    const tree = treeOf(store, size);
    const root = isOurs && places.some((place) => place !== null) ? await unlessMissing(tree.root()) : null;
    if (root === null) return events.map(() => null);
    const note = await signCheckpoint({ origin, size, root }, signer);
    return Promise.all(
      places.map(async (place) => {
        const path = place === null ? null : await unlessMissing(tree.inclusion(place));
        return place === null || path === null ? null : coverageOf(note, place, path);
      }),
    );
  }

  async function ownOrigin(): Promise<string> {
    installation ??= await loadInstallation(store);
    return originOf(installation.id);
  }

  async function lastOutside(): Promise<SignedCheckpoint | null> {
    return file === undefined ? sent() : lastIn(file);
  }

  /** What is outside is trusted, and the database's own only where there is nothing. */
  async function signedBefore(
    on: Queryable,
    outside: SignedCheckpoint | null,
  ): Promise<SignedCheckpoint | undefined> {
    if (outside !== null) return outside;
    const [latest] = await listCheckpoints(on, { before: null, limit: 1 });
    return latest === undefined ? undefined : readCheckpoints(latest.note)[0];
  }

  async function signAndWrite(signer: Signer): Promise<void> {
    const outside = await lastOutside();
    const origin = await ownOrigin();
    if (outside !== null && outside.origin !== origin)
      return tell('no checkpoint is signed: what is kept outside is of another installation');
    if (!(await registerSigningKey(store, signer)))
      return tell('no checkpoint is signed: SIGNING_KEY_URI names a key that is retired or compromised');
    if (secondSigner !== null && !(await registerSecondSigningKey(store, secondSigner)))
      return tell(
        'no checkpoint is signed: SECOND_SIGNING_KEY_URI names a key that is retired or compromised',
      );
    const grown = await inTransaction(store, (tx) => toSign(tx, outside));
    if (grown === 'another log')
      return tell('no checkpoint is signed: the log in the database is not the one that was signed');
    // Behind the transaction: what signs may be far away, and the log is locked by none meanwhile.
    if (grown !== null)
      await keepCheckpoint(
        store,
        signer.kid,
        await signCheckpoint({ origin, ...grown }, signer, secondSigner),
      );
    if (file !== undefined) await writeNew(file, outside);
  }

  /** The size and root of a log that ends with where the chains stand; null: that is signed, or another worker is at it. */
  async function toSign(
    tx: Queryable,
    outside: SignedCheckpoint | null,
  ): Promise<{ readonly size: number; readonly root: Buffer } | 'another log' | null> {
    const size = await lockLog(tx);
    if (size === null) return null;
    const [latest] = await listCheckpoints(tx, { before: null, limit: 1 });
    const before = await signedBefore(tx, outside);
    if (before !== undefined && !(await beginsWith(tx, size, before))) return 'another log';
    if (size === 0 || size === latest?.size) return null;
    // Nothing came behind them: they were appended by whoever could not sign.
    if ((await headsInLog(tx, size - 1)) !== null) return { size, root: await treeOf(tx, size).root() };
    const heads = await logHeads(tx);
    // With which of them is the installation's: only its events allow that anything is cut off.
    const tree = headsTree(heads, await installationChain(tx));
    const grown = await appendLogHeads(tx, heads.length + 1, await tree.root());
    return { size: grown, root: await treeOf(tx, grown).root() };
  }

  /** What is in the file already is not asked of the database. */
  async function writeNew(path: string, outside: SignedCheckpoint | null): Promise<void> {
    let last = outside;
    for (const { note, size } of await checkpointsAfter(store, outside?.size ?? 0, 1_000)) {
      const [next] = readCheckpoints(note);
      const isNext =
        next !== undefined && next.size === size && (last === null || (await follows(last, next)));
      if (next === undefined || !isNext)
        return tell('a checkpoint in the database does not follow the last one outside');
      // Another worker may write to the same file.
      if (((await lastIn(path))?.size ?? 0) < size) await appendNote(path, note);
      last = next;
    }
    await writeWitnessed(path);
  }

  /** Once more, with what a witness signed since: of the latest only, which covers all before it. */
  async function writeWitnessed(path: string): Promise<void> {
    const [latest] = await listCheckpoints(store, { before: null, limit: 1 });
    const [kept] = latest === undefined ? [] : readCheckpoints(latest.note);
    const last = await lastIn(path);
    const isSame = kept !== undefined && last?.size === kept.size && last.root.equals(kept.root);
    if (isSame && kept.note.length > last.note.length) await appendNote(path, kept.note);
  }

  async function beginsWith(on: Queryable, size: number, before: SignedCheckpoint): Promise<boolean> {
    if (before.size > size) return false;
    const root = await unlessMissing(treeOf(on, before.size).root());
    return root?.equals(before.root) === true;
  }

  async function follows(before: SignedCheckpoint, next: SignedCheckpoint): Promise<boolean> {
    if (next.size <= before.size) return false;
    const path = await unlessMissing(treeOf(store, next.size).consistency(before.size));
    return path !== null && isConsistent(before, next, path);
  }

  return { append, checkpoint, cover };
}

function treeOf(on: Queryable, size: number) {
  return createTree(size, (level, from, count) => readLogHashes(on, level, from, count));
}
