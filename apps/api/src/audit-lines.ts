import type { AuditFilter, KeptCheckpoint, LoggedEvent } from '@rekey/control';
import { csvHead, csvLine, exportCut, exportEnd, exportHead, exportHeads, exportLine } from '@rekey/evidence';
import type { Proofs } from './dependencies.ts';

export interface Export {
  readonly filter: AuditFilter;
  readonly pages: AsyncIterable<LoggedEvent[]>;
  /** What its proofs lead to; null: there is no checkpoint yet. */
  readonly proved: { readonly checkpoint: KeptCheckpoint; readonly proofs: Proofs } | null;
}

/** A line, and the event that it is of. */
interface Line {
  readonly line: string;
  readonly record: LoggedEvent | null;
}

/** An export, page by page. */
async function* linesOf({ filter, pages, proved }: Export): AsyncGenerator<Line[]> {
  const { chain = null, ...others } = filter;
  const isFiltered = Object.keys(others).length > 0;
  const bare = (line: string): Line[] => [{ line, record: null }];
  const isOfChain = proved !== null && chain !== null && !isFiltered;
  const cut = isOfChain ? await proved.proofs.ofCut(chain) : null;
  const isOfAll = proved !== null && chain === null && !isFiltered;
  const installation = isOfAll || cut !== null ? ((await proved?.proofs.ofInstallation()) ?? null) : null;
  yield bare(
    exportHead({
      chain,
      isFiltered,
      checkpoint: proved?.checkpoint.note ?? null,
      head: isOfChain ? await proved.proofs.ofHead(chain) : null,
      cut,
      // Of everything the leaves are there.
      installation: isOfAll && installation !== null ? { ...installation, proof: null } : installation,
    }),
  );
  // Before the events, so that whoever reads them knows where each chain begins.
  if (isOfAll) {
    for await (const page of proved.proofs.cut())
      yield page.map((leaf) => ({ line: exportCut(leaf), record: null }));
  }
  let events = 0;
  for await (const page of pages) {
    events += page.length;
    const lines: Line[] = [];
    for (const record of page) {
      if (chain === null && !isFiltered) {
        lines.push({ line: exportLine(record), record });
        continue;
      }
      const { index } = record;
      const isCovered = proved !== null && index !== null && index < proved.checkpoint.size;
      const proof = isCovered ? await proved.proofs.ofEvent(index) : null;
      lines.push({ line: exportLine(record, proof), record });
    }
    yield lines;
  }
  if (isOfAll) {
    for await (const page of proved.proofs.heads(-1))
      yield page.map((heads) => ({ line: exportHeads(heads), record: null }));
  }
  yield bare(exportEnd(events));
}

export async function* jsonLines(asked: Export): AsyncGenerator<string> {
  for await (const lines of linesOf(asked)) yield lines.map(({ line }) => `${line}\n`).join('');
}

/** The same for spreadsheets: columns to read, the canonical event, and the line of the other form, which is what is checked. */
export async function* csvLines(asked: Export): AsyncGenerator<string> {
  yield csvHead;
  for await (const lines of linesOf(asked))
    yield lines.map(({ line, record }) => csvLine(line, record)).join('');
}
