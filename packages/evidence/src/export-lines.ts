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

/** What an export says of itself. Nothing that is checked relies on it. */
interface ExportHead {
  /** The chain that was asked for; null: all of them. */
  readonly chain: string | null;
  /** Whether events were left out by anything else than their chain. */
  readonly isFiltered: boolean;
  /** The note of the checkpoint that proofs lead to; null: there is none. */
  readonly checkpoint: string | null;
  readonly head: HeadProof | null;
}

export const exportFormat = 'rekey-audit/v1';

export function exportHead({ chain, isFiltered, checkpoint, head }: ExportHead): string {
  return canonicalOfAny({
    chain,
    checkpoint,
    filtered: isFiltered,
    format: exportFormat,
    head: head === null ? null : { ...head, path: texts(head.path), logPath: texts(head.logPath) },
  });
}

interface ExportedEvent {
  readonly event: AuditEvent;
  readonly hash: string;
  /** Its place in the log; null: it is not there yet. */
  readonly index: number | null;
}

/** @param proof of a filtered export: its path in the log, or null where the checkpoint does not cover it */
export function exportLine({ event, hash, index }: ExportedEvent, proof?: readonly Buffer[] | null): string {
  const shown = proof === undefined ? '' : `,"proof":${canonicalOfAny(proof === null ? null : texts(proof))}`;
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

function texts(hashes: readonly Buffer[]): string[] {
  return hashes.map((hash) => hash.toString('base64'));
}
