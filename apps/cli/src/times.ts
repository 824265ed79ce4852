import type { Cell } from './table.ts';

const iso = /^(\d{4})-(\d\d-\d\d)T(\d\d:\d\d)(:\d\d)[.\d]*(?:Z|\+00:00)$/;

/** A moment in a column whose heading says that it is in UTC. */
export function momentCell(at: string | null): Cell {
  const [, year, day, minute, second] = at === null ? [] : (iso.exec(at) ?? []);
  if (at === null || year === undefined) return { text: at ?? '' };
  return { text: at, shown: `${year}-${day} ${minute}${second}`, short: `${day} ${minute}` };
}

/** The same in a sentence. */
export function moment(at: string): string {
  const [, year, day, minute, second] = iso.exec(at) ?? [];
  return year === undefined ? at : `${year}-${day} ${minute}${second} UTC`;
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `30 days`, `90 minutes`: in the largest unit that says it without a rest. */
export function span(seconds: number): string {
  const [unit, each] = units.find(([, one]) => seconds >= one && seconds % one === 0) ?? ['second', 1];
  const many = seconds / each;
  return `${many} ${unit}${many === 1 ? '' : 's'}`;
}

/** The first part of an id, enough to tell neighbours apart. */
const shortId = (id: string): string => id.replace(/^((?:[a-z]+-)?[0-9a-f]{8})-[0-9a-f-]{27}$/, '$1…');
/** An id in a column in which it may be shortened. */
export const idCell = (id: string): Cell => ({ text: id, short: shortId(id) });
