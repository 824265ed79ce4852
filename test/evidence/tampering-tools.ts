import { type AuditEvent, csvLine, eventHash } from '@rekey/evidence';

/** What somebody with an export in hand has to work with. */
export interface Tools {
  /** Of a number of things the place of one. */
  below(count: number): number;
  /** The same export of another installation. */
  readonly others: readonly string[];
  readonly isCsv: boolean;
}

/** Lines (or rows) with their ends; the first one or two, and the last ones, are no events. */
export type Tampering = (lines: string[], tools: Tools) => string[] | null;

export interface Parsed {
  readonly event: AuditEvent;
  readonly hash: string;
  readonly index: number | null;
  readonly proof?: readonly string[] | null;
}

/** The line of JSON within a line or row. */
export function jsonOf(line: string, isCsv: boolean): string {
  if (!isCsv) return line.replace(/\n$/, '');
  const last = /(?:^|,)"((?:[^"]|"")*)"\r\n$/.exec(line)?.[1];
  return last?.replaceAll('""', '"') ?? line;
}

export function eventOf(line: string, isCsv: boolean): Parsed | null {
  const known = isCsv ? parsed.csv : parsed.json;
  let found = known.get(line);
  if (found === undefined) {
    found = parse(line, isCsv);
    known.set(line, found);
  }
  return found;
}

/** Most lines are looked at by each tampering, and few are changed. */
const parsed = { csv: new Map<string, Parsed | null>(), json: new Map<string, Parsed | null>() };

function parse(line: string, isCsv: boolean): Parsed | null {
  try {
    const read = JSON.parse(jsonOf(line, isCsv));
    return read.event === undefined ? null : read;
  } catch {
    return null;
  }
}

export const placesOf = (lines: readonly string[], isCsv: boolean): number[] =>
  lines.flatMap((line, n) => (line.includes('event') && eventOf(line, isCsv) !== null ? [n] : []));

/** By somebody who knows the format: in both places of a row, in the one form that there is, with a hash that fits. */
export function rewritten(
  line: string,
  { isCsv }: Tools,
  change: (event: AuditEvent) => AuditEvent,
  isRehashed: boolean,
): string | null {
  const read = eventOf(line, isCsv);
  if (read === null) return null;
  const event = change(read.event);
  if (JSON.stringify(event) === JSON.stringify(read.event)) return null;
  return lineOf({ ...read, event, hash: isRehashed ? eventHash(event) : read.hash }, isCsv);
}

export function lineOf(read: Parsed, isCsv: boolean): string {
  // Events were read in their canonical order, and nothing is added to them.
  const line = JSON.stringify(read);
  return isCsv ? csvLine(line, read) : `${line}\n`;
}

export const at =
  (change: (line: string, tools: Tools) => string | null): Tampering =>
  (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    const place = places[tools.below(places.length)] ?? 0;
    const changed = change(lines[place] ?? '', tools);
    return changed === null || changed === lines[place] ? null : lines.with(place, changed);
  };

export const edit = (change: (event: AuditEvent) => AuditEvent): Record<'bare' | 'rehashed', Tampering> => ({
  bare: at((line, tools) => rewritten(line, tools, change, false)),
  rehashed: at((line, tools) => rewritten(line, tools, change, true)),
});

/** A change of the text of one line, which in a CSV stands in quotes. */
export const text = (from: RegExp, to: string): Tampering =>
  at((line, { isCsv }) => (isCsv ? null : line.replace(from, to)));

const inWords = (value: unknown, change: (word: string) => string): unknown => {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => inWords(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inWords(one, change)]));
};
export const ofActor = (change: (word: string) => string) =>
  edit((event) => ({ ...event, actor: inWords(event.actor, change) }));
export const ofPayload = (change: (word: string) => string) =>
  edit((event) => ({ ...event, payload: inWords(event.payload, change) }));
export const both = (
  name: string,
  { bare, rehashed }: Record<'bare' | 'rehashed', Tampering>,
): Record<string, Tampering> => ({
  [name]: bare,
  [`${name}, with a hash that fits`]: rehashed,
});

export const move =
  (distance: (tools: Tools, count: number) => number): Tampering =>
  (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    const one = tools.below(places.length);
    const other = (one + distance(tools, places.length)) % places.length;
    const [a = 0, b = 0] = [places[one], places[other]];
    return a === b ? null : lines.with(a, lines[b] ?? '').with(b, lines[a] ?? '');
  };

export const cells = (line: string): string[] => line.match(/("(?:[^"]|"")*"|[^",]*)(,|\r\n$)/g) ?? [];
export const inCsv = (change: (line: string, tools: Tools) => string | null): Tampering =>
  at((line, tools) => (tools.isCsv ? change(line, tools) : null));

/** With the number of events at its end made to fit. */
export function withEnd(lines: readonly string[], isCsv: boolean): string[] {
  const count = placesOf(lines, isCsv).length;
  return lines.map((line) =>
    /^(,*")?\{"+end"+:/.test(line) ? line.replace(/(events"+:)\d+/, `$1${count}`) : line,
  );
}
