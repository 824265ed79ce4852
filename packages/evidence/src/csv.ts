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

/** Rows as they stand in a text, each with its last cell. */
export async function* csvRows(
  pieces: AsyncIterable<string>,
): AsyncGenerator<{ readonly text: string; readonly last: string }> {
  let rest = '';
  for await (const piece of pieces) {
    rest += piece;
    let start = 0;
    let isQuoted = false;
    for (let at = 0; at < rest.length; at += 1) {
      const character = rest[at];
      if (character === '"') isQuoted = !isQuoted;
      if (character !== '\n' || isQuoted) continue;
      const text = rest.slice(start, at + 1);
      yield { text, last: lastCell(text) };
      start = at + 1;
    }
    rest = rest.slice(start);
  }
  if (rest !== '') yield { text: rest, last: lastCell(rest) };
}

function lastCell(row: string): string {
  const quoted = /(?:^|,)"((?:[^"]|"")*)"\r?\n?$/.exec(row);
  if (quoted !== null) return (quoted[1] ?? '').replaceAll('""', '"');
  return row.slice(row.lastIndexOf(',') + 1).trimEnd();
}
