import { type AuditEvent, canonicalEvent, isObject } from './event.ts';

/** For people, then the canonical event, then the line of the other form of an export. */
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

export const csvHead = csvRow(columns);

/** A line of an export as a row: the same bytes for the same line. */
export function csvLine(
  line: string,
  record: { readonly event: AuditEvent; readonly hash: string } | null,
): string {
  if (record === null) return csvRow([...columns.slice(1).map(() => ''), line]);
  const { event, hash } = record;
  const { kind, realm, id }: Record<string, unknown> = isObject(event.actor) ? event.actor : {};
  return csvRow([
    event.chain,
    String(event.sequence),
    event.at,
    event.kind,
    ...[kind, realm, id, event.databaseRole].map(asText),
    event.rotationId ?? '',
    hash,
    canonicalEvent(event),
    line,
  ]);
}

/** What somebody else chose must be no formula to whoever opens the file; its very bytes stand in the last columns. */
function asText(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  return /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
}

function csvRow(fields: readonly string[]): string {
  const written = fields.map((field) =>
    /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${written.join(',')}\r\n`;
}

/** What stands in the last cell of a row. */
export function lastCellOf(row: string): string {
  const text = row.replace(/\r?\n?$/, '');
  if (!text.endsWith('"')) return text.slice(text.lastIndexOf(',') + 1).trimEnd();
  // Back to the quote that opens it: within a cell they come in pairs.
  let at = text.length - 2;
  while (at >= 0 && (text[at] !== '"' || text[at - 1] === '"')) at -= text[at] === '"' ? 2 : 1;
  const isCell = at === 0 || text[at - 1] === ',';
  return isCell ? text.slice(at + 1, -1).replaceAll('""', '"') : text.slice(text.lastIndexOf(',') + 1);
}
