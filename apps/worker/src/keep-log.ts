import {
  appendLog,
  appendLogHeads,
  checkpointsAfter,
  type Installation,
  keepCheckpoint,
  listCheckpoints,
  loadInstallation,
  lockLog,
  logHeads,
  readLogHashes,
  registerSigningKey,
} from '@rekey/control';
import { inTransaction, type Queryable, type Store } from '@rekey/db';
import {
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
import type { Logger } from '@rekey/runtime';
import { appendNote, lastIn } from './checkpoint-file.ts';

interface LogDependencies {
  readonly store: Store;
  /** Null: this worker appends, and signs nothing. */
  readonly signer: Signer | null;
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

/**
 * Brings events into the log and signs what it then is. Any number of workers may do it at once: whoever finds the log locked
 * leaves it to the one that has it.
 */
export function createKeepLog({ store, signer, file, sent = () => null, logger }: LogDependencies): {
  /** Appends what is not in the log yet, of all chains or of those that had an event lately. */
  append(all: boolean): Promise<void>;
  /** Signs a checkpoint if there is anything new, and writes to the file what it has not yet. */
  checkpoint(): Promise<void>;
} {
  let installation: Installation | undefined;
  // Each time, so that nobody misses it: this is what the log is for.
  const tell = (message: string): void => logger.error(message);

  async function append(all: boolean): Promise<void> {
    for (let n = 0; n < statementsAtOnce; n += 1) {
      const appended = await appendLog(store, all ? null : recentSeconds, atOnce);
      if (appended < atOnce) return;
    }
  }

  async function checkpoint(): Promise<void> {
    if (signer === null) return;
    const outside = file === undefined ? sent() : await lastIn(file);
    installation ??= await loadInstallation(store);
    const origin = originOf(installation.id);
    if (outside !== null && outside.origin !== origin)
      return tell('no checkpoint is signed: what is kept outside is of another installation');
    if (!(await registerSigningKey(store, signer)))
      return tell('no checkpoint is signed: SIGNING_KEY_URI names a key that is retired or compromised');
    const held = await inTransaction(store, (tx) => signNew(tx, origin, signer, outside));
    if (!held) return tell('no checkpoint is signed: the log in the database is not the one that was signed');
    if (file !== undefined) await writeNew(file, outside);
  }

  /** False: what was signed before is not the beginning of this log. */
  async function signNew(
    tx: Queryable,
    origin: string,
    by: Signer,
    outside: SignedCheckpoint | null,
  ): Promise<boolean> {
    const size = await lockLog(tx);
    if (size === null) return true;
    const [latest] = await listCheckpoints(tx, { before: null, limit: 1 });
    // What is outside is trusted, and the database's own only where there is nothing.
    const before = outside ?? (latest === undefined ? undefined : readCheckpoints(latest.note)[0]);
    if (before !== undefined && !(await beginsWith(tx, size, before))) return false;
    if (size === 0 || size === latest?.size) return true;
    const heads = await logHeads(tx);
    const grown = await appendLogHeads(tx, heads.length, await headsTree(heads).root());
    const root = await treeOf(tx, grown).root();
    await keepCheckpoint(tx, by.kid, await signCheckpoint({ origin, size: grown, root }, by));
    return true;
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

  return { append, checkpoint };
}

function treeOf(on: Queryable, size: number) {
  return createTree(size, (level, from, count) => readLogHashes(on, level, from, count));
}
