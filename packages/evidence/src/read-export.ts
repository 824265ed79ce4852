import { csvHead, csvLine, lastCellOf } from './csv.ts';
import { type AuditEvent, isAuditEvent, isHash, isObject, isUuid } from './event.ts';
import {
  type ChainCut,
  type CutLeaf,
  exportCut,
  exportEnd,
  exportFormat,
  exportHead,
  exportHeads,
  exportLine,
  type HeadProof,
  type InstallationProof,
} from './export-lines.ts';
import { hashesOf } from './hashes.ts';
import { rowsOf } from './lines.ts';

interface Head {
  readonly type: 'head';
  readonly chain: string | null;
  readonly isFiltered: boolean;
  readonly checkpoint: string | null;
  readonly head: HeadProof | null;
  readonly cut: ChainCut | null;
  readonly installation: InstallationProof | null;
}
interface Cut extends CutLeaf {
  readonly type: 'cut';
}
interface Exported {
  readonly type: 'event';
  readonly event: AuditEvent;
  readonly hash: string;
  readonly index: number | null;
  /** Undefined: the line has no room for one. */
  readonly proof: readonly Buffer[] | null | undefined;
}
interface Heads {
  readonly type: 'heads';
  readonly index: number;
  readonly count: number;
  readonly root: Buffer;
}
interface End {
  readonly type: 'end';
  readonly events: number;
}
export type ExportEntry = Head | Exported | Cut | Heads | End;

/**
 * What stands in an export of either form, entry by entry. Null: a line that is none, or is not written as these are, or of a
 * CSV a row whose other cells say something else than its line.
 */
export async function* readExport(pieces: AsyncIterable<string>): AsyncGenerator<ExportEntry | null> {
  const iterator = pieces[Symbol.asyncIterator]();
  let start = '';
  let isOver = false;
  while (!isOver && start.length < csvHead.length) {
    const next = await iterator.next();
    if (next.done === true) isOver = true;
    else start += next.value;
  }
  const all = (async function* () {
    yield start;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  })();
  if (!start.startsWith(csvHead)) {
    for await (const line of rowsOf(all, false))
      yield line === null ? null : entryOf(line.endsWith('\n') ? line.slice(0, -1) : line);
    return;
  }
  let isFirst = true;
  for await (const row of rowsOf(all, true)) {
    if (!isFirst) yield row === null ? null : entryOfRow(row);
    isFirst = false;
  }
}

function entryOfRow(row: string): ExportEntry | null {
  const line = lastCellOf(row);
  const entry = entryOf(line);
  return csvLine(line, entry?.type === 'event' ? entry : null) === row ? entry : null;
}

function entryOf(line: string): ExportEntry | null {
  const read = parse(line);
  if (!isObject(read)) return null;
  const entry = eventOf(read) ?? headOf(read) ?? headsOf(read) ?? cutLeafOf(read) ?? endOf(read);
  // There is one form of each: nobody reads what is not checked.
  return entry !== null && isWrittenAs(entry, line) ? entry : null;
}

function isWrittenAs(entry: ExportEntry, line: string): boolean {
  try {
    return writtenAs(entry) === line;
  } catch {
    return false; // half a character, or nested deeper than anybody records
  }
}

function writtenAs(entry: ExportEntry): string {
  switch (entry.type) {
    case 'head':
      return exportHead(entry);
    case 'event':
      return exportLine(entry, entry.proof);
    case 'heads':
      return exportHeads(entry);
    case 'cut':
      return exportCut(entry);
    case 'end':
      return exportEnd(entry.events);
  }
}

function eventOf({ event, hash, index, proof }: Record<string, unknown>): Exported | null {
  const path = proof === null ? null : hashesOf(proof);
  const isOne =
    isAuditEvent(event) &&
    isHash(hash) &&
    (index === null || isCount(index)) &&
    (proof === undefined || path !== undefined);
  return isOne ? { type: 'event', event, hash, index, proof: path } : null;
}

function headOf(read: Record<string, unknown>): Head | null {
  const { chain, checkpoint, filtered, format, head, cut: said = null, installation: shown = null } = read;
  const proof = head === null ? null : headProofOf(head);
  const cut = said === null ? null : chainCutOf(said);
  const installation = shown === null ? null : installationOf(shown);
  const isOne =
    format === exportFormat &&
    isTextOrNull(chain) &&
    isTextOrNull(checkpoint) &&
    typeof filtered === 'boolean' &&
    proof !== undefined &&
    cut !== undefined &&
    installation !== undefined;
  return isOne
    ? { type: 'head', chain, isFiltered: filtered, checkpoint, head: proof, cut, installation }
    : null;
}

function installationOf(value: unknown): InstallationProof | undefined {
  if (!isObject(value)) return undefined;
  const { chain, count, index, path: pathText, proof: proofText } = value;
  const [path, proof] = [hashesOf(pathText), proofText === null ? null : hashesOf(proofText)];
  const isOne = isUuid(chain) && isCount(count) && isCount(index) && path && proof !== undefined;
  return isOne ? { chain, count, index, path, proof } : undefined;
}

function chainCutOf(value: unknown): ChainCut | undefined {
  if (!isObject(value) || !isObject(value.last) || !isObject(value.by)) return undefined;
  const { index, proof = null, ...leaf } = value.last;
  const last = cutLeafOf({ cut: leaf, index });
  const [by, path] = [eventOf(value.by), proof === null ? null : hashesOf(proof)];
  if (last === null || by === null || by.proof === undefined || path === undefined) return undefined;
  return { last: { ...last, proof: path }, by: { ...by, proof: by.proof } };
}

function cutLeafOf({ cut, index }: Record<string, unknown>): Cut | null {
  if (!isObject(cut) || !isCount(index)) return null;
  const { chain, sequence, hash } = cut;
  const isOne = isUuid(chain) && isCount(sequence) && isHash(hash);
  return isOne ? { type: 'cut', chain, sequence, hash, index } : null;
}

function headProofOf(value: unknown): HeadProof | undefined {
  if (!isObject(value)) return undefined;
  const { sequence, hash, place, count, path: pathText, logPath: logPathText } = value;
  const [path, logPath] = [hashesOf(pathText), hashesOf(logPathText)];
  const isOne = isCount(sequence) && isHash(hash) && isCount(place) && isCount(count);
  return isOne && path && logPath ? { sequence, hash, place, count, path, logPath } : undefined;
}

function headsOf({ heads, index }: Record<string, unknown>): Heads | null {
  if (!isObject(heads) || !isCount(index) || !isCount(heads.count)) return null;
  const [root] = hashesOf([heads.root]) ?? [];
  return root === undefined ? null : { type: 'heads', index, count: heads.count, root };
}

function endOf({ end, events }: Record<string, unknown>): End | null {
  return end === true && isCount(events) ? { type: 'end', events } : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
