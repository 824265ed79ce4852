import type { Checkpoint } from './checkpoint.ts';
import { type CutFound, createCuts } from './cuts.ts';
import { eventHash, firstPrevious } from './event.ts';
import { eventLeaf, headsLeaf } from './log.ts';
import { createFrontier, rootByInclusion } from './merkle.ts';
import { type ExportEntry, readExport } from './read-export.ts';
import { type AuditTrust, type Signatures, trustedCheckpoints } from './trusted-checkpoints.ts';

/** What is wrong with an export. */
export const auditProblems = {
  MALFORMED: 'a line that no export has, or in another order',
  CUT_OFF: 'the export does not end as one ends, or has another number of events than it says',
  CHANGED: 'the event is not what its hash covers',
  MISSING: 'events before it are missing',
  OUT_OF_PLACE: 'it does not follow the event before it',
  NOT_IN_LOG: 'the log that the checkpoint covers does not hold it',
  LOG_INCOMPLETE: 'the log that the checkpoint covers has something at this place that is not in the export',
  LOG_DIFFERS: 'the log that the checkpoint covers is another one',
  TAIL: 'the chain was longer at the checkpoint: its end is missing',
  OTHER_CHECKPOINT: 'the export was made for a checkpoint that was not given',
  NOT_WITNESSED: 'no checkpoint was signed by every witness that was given',
  CUT_NOT_PERMITTED: 'what came before is gone, and no event allows that',
  NO_SECOND_SIGNATURE: 'no checkpoint was signed besides by the second key that was given',
  BAD_SIGNATURE: 'a checkpoint is not signed by a key that was given, or by one that is compromised',
} as const;

interface AuditProblem {
  readonly code: keyof typeof auditProblems;
  /** A chain and a sequence, a place in the log, or a size. */
  readonly at: string;
}

export interface AuditReport {
  /** What the export is, as far as it says. */
  readonly scope: 'everything' | 'chain' | 'filtered' | null;
  readonly chain: string | null;
  readonly problems: readonly AuditProblem[];
  readonly events: number;
  /** Under a checkpoint. */
  readonly covered: number;
  /** That and where older events were cut off; null: none were. */
  readonly cut: CutFound | null;
  /** The sizes of the checkpoints that it was held against, and who signed them. */
  readonly heldAgainst: readonly number[];
  readonly signatures: readonly Signatures[];
  /** Of one chain: of so many events the place in the log is proved. */
  readonly placed: number;
}

/** So many problems are named; one is enough. */
const problemsMax = 100;

/** Holds an export against itself, and against what was kept elsewhere. */
export async function verifyAudit(pieces: AsyncIterable<string>, trust: AuditTrust): Promise<AuditReport> {
  const problems: AuditProblem[] = [];
  const report = (code: AuditProblem['code'], at: string | number): void => {
    if (problems.length < problemsMax) problems.push({ code, at: String(at) });
  };
  const trusted = trustedCheckpoints(trust, report);
  let head: Extract<ExportEntry, { type: 'head' }> | null = null;
  let against: readonly Checkpoint[] = [];
  let end: number | null = null;
  let [events, covered, placed, line] = [0, 0, 0, 0];
  const leaves: Array<Buffer | undefined> = [];
  let sizeMax = 0;
  // Of the chain that is being read.
  let last = { chain: '', sequence: 0, hash: firstPrevious };
  let atHead: string | null = null;
  // Its first event decides: either each of them has a path or none.
  let hasProofs: boolean | null = null;
  const cuts = createCuts(report);

  const place = (index: number, leaf: Buffer): void => {
    if (index >= sizeMax) return;
    if (leaves[index] !== undefined) report('LOG_DIFFERS', index);
    leaves[index] = leaf;
  };

  for await (const entry of readExport(pieces)) {
    line += 1;
    const isInOrder = end === null && (entry?.type === 'head') === (line === 1);
    if (entry === null || !isInOrder) {
      report('MALFORMED', `line ${line}`);
      continue;
    }
    if (entry.type === 'head') {
      head = entry;
      against = trusted.against(entry);
      if (entry.cut !== null && (entry.isFiltered || entry.cut.last.chain !== entry.chain))
        report('MALFORMED', 'cut');
      sizeMax = Math.max(0, ...against.map(({ size }) => size));
      cuts.begin(entry, against);
      const gone = entry.isFiltered || entry.chain === null ? null : cuts.before(entry.chain);
      if (gone !== null && gone.sequence === entry.head?.sequence) atHead = gone.hash;
      if (gone !== null) last = { chain: entry.chain ?? '', ...gone };
    } else if (entry.type === 'end') {
      end = entry.events;
    } else if (entry.type === 'cut') {
      if (events > 0 || head?.chain !== null || head.isFiltered) report('MALFORMED', `line ${line}`);
      cuts.leaf(entry);
      place(entry.index, eventLeaf(entry));
    } else if (entry.type === 'heads') {
      place(entry.index, headsLeaf(entry.count, entry.root));
    } else if (head !== null) {
      events += 1;
      const { event, index, proof } = entry;
      const { chain, sequence, previous } = event;
      const at = `${chain}/${sequence}`;
      const hash = eventHash(event);
      if (hash !== entry.hash) report('CHANGED', at);
      if (chain !== last.chain) {
        if (chain < last.chain || (head.chain !== null && chain !== head.chain)) report('MALFORMED', at);
        last = { chain, ...(cuts.before(chain) ?? { sequence: 0, hash: firstPrevious }) };
      }
      if (head.chain === null && !head.isFiltered) cuts.event(entry, index !== null && index < sizeMax);
      if (sequence === last.sequence + 1) {
        if (previous !== last.hash) report('OUT_OF_PLACE', at);
      } else if (sequence <= last.sequence) report('OUT_OF_PLACE', at);
      else if (!head.isFiltered) report('MISSING', at);
      last = { chain, sequence, hash };
      const leaf = eventLeaf(last);
      if (head.chain === null && !head.isFiltered) {
        if (proof !== undefined) report('MALFORMED', at);
        if (index !== null) place(index, leaf);
        if (index !== null && index < sizeMax) covered += 1;
        continue;
      }
      hasProofs ??= proof !== undefined;
      if (hasProofs !== (proof !== undefined) || (head.isFiltered && !hasProofs)) report('MALFORMED', at);
      // One of a chain that was exported before such lines had proofs has none: what is proved is its end.
      const isPlaced = proof === undefined ? null : isInPlace(leaf, { index, proof }, against[0]);
      const isBeforeEnd = against.length > 0 && sequence <= (head.head?.sequence ?? 0);
      if (isPlaced === false || (proof === null && isBeforeEnd)) report('NOT_IN_LOG', at);
      if (isPlaced === true) placed += 1;
      if (sequence === head.head?.sequence) atHead = hash;
    }
  }
  const cut = cuts.end((index) => leaves[index]);
  if (end !== events) report('CUT_OFF', `line ${line}`);
  const scope =
    head === null ? null : head.isFiltered ? 'filtered' : head.chain === null ? 'everything' : 'chain';
  if (scope === 'everything') compareRoots(leaves, against, report);
  if (scope === 'filtered') covered = placed;
  if (scope === 'chain' && head !== null && against[0] !== undefined) {
    const gone = cuts.before(head.chain ?? '')?.sequence ?? 0;
    if (gone > 0 && head.head === null) report('NOT_IN_LOG', `${head.chain}/${gone}`);
    covered = Math.max(0, compareHead(head, against[0], { last: last.sequence, atHead }, report) - gone);
  }
  const chain = head?.chain ?? null;
  const heldAgainst = against.map(({ size }) => size);
  const signatures = trusted.signaturesOf(against);
  return { scope, chain, problems, events, covered, cut, heldAgainst, signatures, placed };
}

type Report = (code: AuditProblem['code'], at: string | number) => void;

/** Whether the log holds it there; null: the checkpoint does not cover it. */
function isInPlace(
  leaf: Buffer,
  { index, proof }: { readonly index: number | null; readonly proof: readonly Buffer[] | null },
  checkpoint: Checkpoint | undefined,
): boolean | null {
  if (checkpoint === undefined) return null;
  if (proof === null) return index !== null && index < checkpoint.size ? false : null;
  const root = index === null ? null : rootByInclusion(leaf, index, checkpoint.size, proof);
  return root?.equals(checkpoint.root) === true;
}

function compareRoots(
  leaves: readonly (Buffer | undefined)[],
  against: readonly Checkpoint[],
  report: Report,
): void {
  const frontier = createFrontier();
  let pushed = 0;
  for (const { size, root } of against.toSorted((one, other) => one.size - other.size)) {
    for (; pushed < size; pushed += 1) {
      const leaf = leaves[pushed];
      if (leaf === undefined) {
        report('LOG_INCOMPLETE', pushed);
        return;
      }
      frontier.push(leaf);
    }
    if (!frontier.root().equals(root)) {
      report('LOG_DIFFERS', size);
      return;
    }
  }
}

/** How many events of the chain the checkpoint covers. */
function compareHead(
  { chain, head }: Extract<ExportEntry, { type: 'head' }>,
  { size, root }: Checkpoint,
  { last, atHead }: { last: number; atHead: string | null },
  report: Report,
): number {
  if (head === null || chain === null) return 0;
  const { sequence, hash, place, count, path, logPath } = head;
  const heads = rootByInclusion(eventLeaf({ chain, sequence, hash }), place, count, path);
  const isInLog =
    heads !== null &&
    rootByInclusion(headsLeaf(count, heads), size - 1, size, logPath)?.equals(root) === true;
  if (!isInLog) report('NOT_IN_LOG', `${chain}/${sequence}`);
  else if (last < sequence) report('TAIL', `${chain}/${sequence}`);
  else if (atHead !== hash) report('LOG_DIFFERS', `${chain}/${sequence}`);
  else return sequence;
  return 0;
}
