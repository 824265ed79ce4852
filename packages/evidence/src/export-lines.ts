import { canonicalOfAny } from './canonical-json.ts';
import { type AuditEvent, canonicalEvent } from './event.ts';

/** What shows where a chain stood at a checkpoint. */
export interface HeadProof {
  readonly sequence: number;
  readonly hash: string;
  /** In the tree of heads, which has so many leaves. */
  readonly place: number;
  readonly count: number;
  readonly path: readonly Buffer[];
  /** Of the root of that tree in the log, of which it is the last leaf. */
  readonly logPath: readonly Buffer[];
}

/** An event that was cut off: the log has its hash, and nothing else is left of it. */
export interface CutLeaf {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
  readonly index: number;
}

/** Where the export of a chain begins, and why not at its first event. */
export interface ChainCut {
  /** The last one that was cut off, with its path in the log. */
  readonly last: CutLeaf & { readonly proof: readonly Buffer[] | null };
  /** The event of the installation that says so, with its path; null: the checkpoint does not cover it. */
  readonly by: ExportedEvent & { readonly proof: readonly Buffer[] | null };
}

/** That a chain is the installation's: the last leaf of the tree of heads that stands at a place in the log. */
export interface InstallationProof {
  readonly chain: string;
  readonly index: number;
  /** So many leaves that tree has. */
  readonly count: number;
  readonly path: readonly Buffer[];
  /** Of the root of that tree in the log; null in an export of everything, which has all leaves. */
  readonly proof: readonly Buffer[] | null;
}

/** What an export says of itself. Nothing that is checked relies on it. */
interface ExportHead {
  /** The chain that was asked for; null: all of them. */
  readonly chain: string | null;
  /** Whether events were left out by anything else than their chain. */
  readonly isFiltered: boolean;
  /** The note of the checkpoint that proofs lead to; null: there is none. */
  readonly checkpoint: string | null;
  readonly head: HeadProof | null;
  /** Of the export of one chain that was cut; null: it begins with its first event. */
  readonly cut?: ChainCut | null;
  /** Where something was cut off, whose events may allow that. */
  readonly installation?: InstallationProof | null;
}

export const exportFormat = 'rekey-audit/v1';

export function exportHead(said: ExportHead): string {
  const { chain, isFiltered, checkpoint, head, cut = null, installation = null } = said;
  return canonicalOfAny({
    chain,
    checkpoint,
    // Where nothing was cut off it is as it always was.
    ...(cut === null ? {} : { cut: cutText(cut) }),
    filtered: isFiltered,
    format: exportFormat,
    head: head === null ? null : { ...head, path: texts(head.path), logPath: texts(head.logPath) },
    ...(installation === null ? {} : { installation: installationText(installation) }),
  });
}

function installationText({ chain, count, index, path, proof }: InstallationProof): object {
  return { chain, count, index, path: texts(path), proof: textsOrNull(proof) };
}

function cutText({ last, by }: ChainCut): object {
  return {
    by: { event: by.event, hash: by.hash, index: by.index, proof: textsOrNull(by.proof) },
    last: {
      chain: last.chain,
      hash: last.hash,
      index: last.index,
      proof: textsOrNull(last.proof),
      sequence: last.sequence,
    },
  };
}

/** Of an export of everything: what the log has of an event that was cut off. */
export function exportCut({ chain, sequence, hash, index }: CutLeaf): string {
  return canonicalOfAny({ cut: { chain, hash, sequence }, index });
}

interface ExportedEvent {
  readonly event: AuditEvent;
  readonly hash: string;
  /** Its place in the log; null: it is not there yet. */
  readonly index: number | null;
}

/** @param proof its path in the log, or null where the checkpoint does not cover it; in an export of everything there is none */
export function exportLine({ event, hash, index }: ExportedEvent, proof?: readonly Buffer[] | null): string {
  const shown = proof === undefined ? '' : `,"proof":${canonicalOfAny(textsOrNull(proof))}`;
  return `{"event":${canonicalEvent(event)},"hash":"${hash}","index":${index}${shown}}`;
}

/** Of an export of everything: the leaves of the log that are no events. */
export function exportHeads({
  index,
  count,
  root,
}: {
  readonly index: number;
  readonly count: number;
  readonly root: Buffer;
}): string {
  return canonicalOfAny({ heads: { count, root: root.toString('base64') }, index });
}

/** Without it an export was cut off on its way. */
export function exportEnd(events: number): string {
  return canonicalOfAny({ end: true, events });
}

function textsOrNull(hashes: readonly Buffer[] | null): string[] | null {
  return hashes === null ? null : texts(hashes);
}

function texts(hashes: readonly Buffer[]): string[] {
  return hashes.map((hash) => hash.toString('base64'));
}
