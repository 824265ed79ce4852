import { canonicalOfAny } from './canonical-json.ts';
import { type AuditEvent, canonicalEvent } from './event.ts';

/** What an export says of itself. Nothing that is checked relies on it. */
export interface ExportHead {
  /** The chain that was asked for; null: all of them. */
  readonly chain: string | null;
  /** Whether events were left out by anything else than their chain. */
  readonly isFiltered: boolean;
}

const exportFormat = 'rekey-audit/v1';

export function exportHead({ chain, isFiltered }: ExportHead): string {
  return canonicalOfAny({ chain, filtered: isFiltered, format: exportFormat });
}

export function exportLine({ event, hash }: { readonly event: AuditEvent; readonly hash: string }): string {
  return `{"event":${canonicalEvent(event)},"hash":"${hash}"}`;
}

/** Without it an export was cut off on its way. */
export function exportEnd(events: number): string {
  return canonicalOfAny({ end: true, events });
}
