import type { AuditFilter, RecordedEvent } from '@rekey/control';
import { canonicalEvent, exportEnd, exportHead, exportLine } from '@rekey/evidence';

type Pages = AsyncGenerator<RecordedEvent[]>;

/** An export, a piece of text per page. */
export async function* jsonLines(
  filter: AuditFilter,
  first: IteratorResult<RecordedEvent[]>,
  rest: Pages,
): AsyncGenerator<string> {
  yield `${exportHead(headOf(filter))}\n`;
  let events = 0;
  for await (const page of joined(first, rest)) {
    events += page.length;
    yield page.map((record) => `${exportLine(record)}\n`).join('');
  }
  yield `${exportEnd(events)}\n`;
}

const columns = [
  'chain',
  'sequence',
  'at',
  'kind',
  'actorKind',
  'actorRealm',
  'actorId',
  'databaseRole',
  'rotationId',
  'hash',
  'event',
  'line',
];

/** The same for spreadsheets: columns to read, the canonical event, and the line of the other form, which is what is checked. */
export async function* csvLines(
  filter: AuditFilter,
  first: IteratorResult<RecordedEvent[]>,
  rest: Pages,
): AsyncGenerator<string> {
  const bare = (line: string): string => csvRow([...columns.slice(1).map(() => ''), line]);
  yield csvRow(columns) + bare(exportHead(headOf(filter)));
  let events = 0;
  for await (const page of joined(first, rest)) {
    events += page.length;
    yield page.map(eventRow).join('');
  }
  yield bare(exportEnd(events));
}

function eventRow(record: RecordedEvent): string {
  const { event, hash } = record;
  const { actor } = event;
  return csvRow([
    event.chain,
    String(event.sequence),
    event.at,
    event.kind,
    ...[actor.kind, actor.realm ?? '', actor.id, event.databaseRole].map(asText),
    event.rotationId ?? '',
    hash,
    canonicalEvent(event),
    exportLine(record),
  ]);
}

/** What somebody else chose must be no formula to whoever opens the file; its very bytes stand in the last columns. */
function asText(value: string): string {
  return /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

function csvRow(fields: readonly string[]): string {
  const written = fields.map((field) =>
    /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${written.join(',')}\r\n`;
}

function headOf({ chain, ...others }: AuditFilter) {
  return { chain: chain ?? null, isFiltered: Object.keys(others).length > 0 };
}

async function* joined(first: IteratorResult<RecordedEvent[]>, rest: Pages): Pages {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}
