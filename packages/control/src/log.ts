import { type Queryable, row, rows } from '@rekey/db';

/** A checkpoint of the log, as it was kept. */
export interface KeptCheckpoint {
  readonly size: number;
  readonly madeAt: Date;
  readonly note: string;
}

interface LogHead {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

/** Appends events to the log, of chains that had one lately or of all: how many. */
export async function appendLog(on: Queryable, seconds: number | null, atMost: number): Promise<number> {
  const { appended } = await row<{ appended: number }>(
    on,
    `select rekey.append_log($1 * interval '1 second', $2) as appended`,
    [seconds, atMost],
  );
  return appended;
}

/** Its size, and until the transaction ends nobody else writes it; null: somebody else does now. */
export async function lockLog(on: Queryable): Promise<number | null> {
  const { size } = await row<{ size: string | null }>(on, 'select rekey.lock_log() as size');
  return size === null ? null : Number(size);
}

/** Where each chain stands in the log as it is now. */
export async function logHeads(on: Queryable): Promise<LogHead[]> {
  return toHeads(
    await rows<HeadRow>(
      on,
      `select chain, sequence, encode(content, 'hex') as hash from rekey.log_heads order by chain`,
    ),
  );
}

/** Where each chain stood in the log when it was of that size. Looks through all of it. */
export async function logHeadsAt(on: Queryable, size: number): Promise<LogHead[]> {
  return toHeads(
    await rows<HeadRow>(
      on,
      `select distinct on (chain) chain, sequence, encode(content, 'hex') as hash from rekey.log_leaves
       where index < $1 and chain is not null order by chain, sequence desc`,
      [size],
    ),
  );
}

interface HeadRow {
  readonly chain: string;
  readonly sequence: string;
  readonly hash: string;
}

function toHeads(found: readonly HeadRow[]): LogHead[] {
  return found.map(({ chain, sequence, hash }) => ({ chain, sequence: Number(sequence), hash }));
}

/** How large the log is, and where in it each of these events stands; null: it is not there yet. */
export async function placesInLog(
  on: Queryable,
  events: ReadonlyArray<Pick<LogHead, 'chain' | 'sequence'>>,
): Promise<{ readonly size: number; readonly places: ReadonlyArray<number | null> }> {
  const found = await rows<{ size: string; index: string | null }>(
    on,
    `select (select coalesce(max(l.index) + 1, 0) from rekey.log_leaves l) as size, l.index
     from unnest($1::uuid[], $2::bigint[]) with ordinality w(chain, sequence, n)
       left join rekey.log_leaves l on (l.chain, l.sequence) = (w.chain, w.sequence)
     order by w.n`,
    [events.map(({ chain }) => chain), events.map(({ sequence }) => sequence)],
  );
  return {
    size: Number(found[0]?.size ?? 0),
    places: found.map(({ index }) => (index === null ? null : Number(index))),
  };
}

/** Which of all chains is the installation's. */
export async function installationChain(on: Queryable): Promise<string> {
  const { chain } = await row<{ chain: string }>(on, 'select rekey.installation_chain() as chain');
  return chain;
}

/** @param count how many leaves the tree of heads has; the size of the log with it */
export async function appendLogHeads(on: Queryable, count: number, root: Buffer): Promise<number> {
  const { size } = await row<{ size: string }>(on, 'select rekey.append_log_heads($1, $2) as size', [
    count,
    root,
  ]);
  return Number(size);
}

export async function keepCheckpoint(on: Queryable, kid: string, note: string): Promise<void> {
  await row(on, 'select rekey.keep_checkpoint($1, $2)', [kid, note]);
}

/** Hashes of complete subtrees, as the log keeps them: of leaves, and of every eighth level. */
export async function readLogHashes(
  on: Queryable,
  level: number,
  from: number,
  count: number,
): Promise<Buffer[]> {
  const found = await rows<{ hash: Buffer }>(
    on,
    level === 0
      ? `select rekey.log_leaf_hash(l) as hash from rekey.log_leaves l
         where l.index >= $1 and l.index < $1::bigint + $2::bigint order by l.index`
      : `select hash from rekey.log_nodes
         where level = $3 and index >= $1 and index < $1::bigint + $2::bigint order by index`,
    level === 0 ? [from, count] : [from, count, level],
  );
  return found.map(({ hash }) => hash);
}

/** The note with the lines of its witnesses behind ours. */
const witnessed = `c.note || coalesce((select string_agg(w.line, '' order by w.witness)
  from rekey.checkpoint_cosignatures w where w.tree_size = c.tree_size), '') as note`;

/** Keeps what a witness signed of a checkpoint; the first of each stays. */
export async function keepCosignature(
  on: Queryable,
  { size, witness, line }: { readonly size: number; readonly witness: string; readonly line: string },
): Promise<void> {
  await row(on, 'select rekey.keep_cosignature($1, $2, $3)', [size, witness, line]);
}

interface CheckpointRow {
  readonly tree_size: string;
  readonly made_at: Date;
  readonly note: string;
}

/** The latest first, of those before a size. */
export async function listCheckpoints(
  on: Queryable,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<KeptCheckpoint[]> {
  const found = await rows<CheckpointRow>(
    on,
    `select tree_size, made_at, ${witnessed} from rekey.log_checkpoints c
     where $1::bigint is null or tree_size < $1 order by tree_size desc limit $2`,
    [before, limit],
  );
  return found.map(toCheckpoint);
}

/** The oldest first, of those behind a size. */
export async function checkpointsAfter(
  on: Queryable,
  size: number,
  limit: number,
): Promise<KeptCheckpoint[]> {
  const found = await rows<CheckpointRow>(
    on,
    `select tree_size, made_at, ${witnessed} from rekey.log_checkpoints c
     where tree_size > $1 order by tree_size limit $2`,
    [size, limit],
  );
  return found.map(toCheckpoint);
}

function toCheckpoint({ tree_size, made_at, note }: CheckpointRow): KeptCheckpoint {
  return { size: Number(tree_size), madeAt: made_at, note };
}

/** The heads that stand in the log at a place; null: something else does. */
export async function headsInLog(
  on: Queryable,
  index: number,
): Promise<{ readonly count: number; readonly root: Buffer } | null> {
  const [found] = await rows<{ sequence: string; content: Buffer }>(
    on,
    'select sequence, content from rekey.log_leaves where index = $1 and chain is null',
    [index],
  );
  return found === undefined ? null : { count: Number(found.sequence), root: found.content };
}

/** All heads that stand in the log, by their places, from one on. */
export async function headsAfter(
  on: Queryable,
  index: number,
  limit: number,
): Promise<ReadonlyArray<{ readonly index: number; readonly count: number; readonly root: Buffer }>> {
  const found = await rows<{ index: string; sequence: string; content: Buffer }>(
    on,
    `select index, sequence, content from rekey.log_leaves where chain is null and index > $1 order by index limit $2`,
    [index, limit],
  );
  return found.map((leaf) => ({
    index: Number(leaf.index),
    count: Number(leaf.sequence),
    root: leaf.content,
  }));
}
