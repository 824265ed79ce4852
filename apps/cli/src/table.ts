import { clean } from './clean.ts';
import { type Fact, tellFacts } from './facts.ts';
import { type Output, type Style, styled } from './output.ts';
import { cutTo, padTo, widthOf } from './text-width.ts';

export interface Column {
  readonly heading: string;
  /** A number: its end is aligned. */
  readonly isNumber?: boolean;
  /** In a terminal it may be cut to that much: a name, an address. An id never is, so that it can be copied. */
  readonly least?: number;
  /** Whether whoever asked knows already what stands in it; in a terminal it is left out. */
  readonly known?: boolean;
}

export interface Cell {
  /** As a script wants it. */
  readonly text: string;
  /** As it is read. */
  readonly shown?: string;
  /** Where it is too wide; empty: the column may be missing then. */
  readonly short?: string;
  readonly style?: Style | undefined;
}

export interface Table {
  /** More of its rows, a page of an answer for example. The first ones decide how it looks. */
  add(rows: readonly (readonly (Cell | string)[])[]): void;
}

const gap = 2;
const nothing = '-';

/**
 * Rows under headings. Where nobody looks at a terminal: everything, with tabs between. In one: what fits into its columns, with
 * short forms where there are some; where even those are too wide, a block of lines for each row.
 */
export function openTable(out: Output, columns: readonly Column[]): Table {
  let drawn: ((rows: readonly (readonly Cell[])[]) => void) | undefined;
  return {
    add(rows) {
      if (rows.length === 0) return;
      const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)));
      drawn ??= layout(out, columns, cells);
      drawn(cells);
    },
  };
}

const shownOf = ({ text, shown = text }: Cell): string => clean(shown) || nothing;
const shortOf = (cell: Cell): string => (cell.short === undefined ? shownOf(cell) : clean(cell.short));

function layout(out: Output, columns: readonly Column[], rows: readonly (readonly Cell[])[]) {
  if (out.width === null) return inTabs(out, columns);
  const said = columns.flatMap((column, at) => {
    const isSaid = rows.some((row) => shownOf(row[at] ?? nothingAt) !== nothing);
    return column.known === true || !isSaid ? [] : [at];
  });
  const fitted = fit(out.width, columns, rows, said);
  return fitted === null ? inBlocks(out, columns, said) : inColumns(out, columns, fitted);
}

const nothingAt: Cell = { text: '' };

function inTabs(out: Output, columns: readonly Column[]) {
  out.row(columns.map(({ heading }) => heading));
  return (rows: readonly (readonly Cell[])[]): void => {
    for (const row of rows) out.row(row.map(({ text }) => clean(text) || nothing));
  };
}

interface Fitted {
  readonly at: number;
  readonly width: number;
  readonly isShort: boolean;
}

/** What of each column is shown, from the right to the left ever less until it fits; null: it does not. */
function fit(
  room: number,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  said: readonly number[],
): readonly Fitted[] | null {
  const natural = (at: number, isShort: boolean): Fitted => {
    const texts = rows.map((row) => (isShort ? shortOf : shownOf)(row[at] ?? nothingAt));
    const isGone = isShort && texts.every((text) => text === '');
    const width = isGone ? 0 : Math.max(...[columns[at]?.heading ?? '', ...texts].map(widthOf));
    return { at, width, isShort };
  };
  const taken = (all: readonly Fitted[]): number =>
    all.reduce((sum, { width }) => sum + (width === 0 ? 0 : width + gap), -gap);
  let fitted = said.map((at) => natural(at, false));
  for (const at of [...said].reverse()) {
    const over = taken(fitted) - room;
    if (over <= 0) break;
    fitted = fitted.map((one) => {
      if (one.at !== at) return one;
      const { least } = columns[at] ?? {};
      if (least !== undefined)
        return { ...one, width: Math.min(one.width, Math.max(least, one.width - over)) };
      const shorter = natural(at, true);
      return shorter.width < one.width ? shorter : one;
    });
  }
  return taken(fitted) <= room ? fitted.filter(({ width }) => width > 0) : null;
}

function inColumns(out: Output, columns: readonly Column[], fitted: readonly Fitted[]) {
  const aligned = (at: number, width: number, text: string): string =>
    columns[at]?.isNumber ? ' '.repeat(Math.max(0, width - widthOf(text))) + text : padTo(width, text);
  const separated = (position: number): string => (position === 0 ? '' : ' '.repeat(gap));
  const last = fitted.length - 1;
  const headings = fitted.map(({ at, width }) => aligned(at, width, columns[at]?.heading ?? ''));
  out.line(styled('dim', headings.join(' '.repeat(gap)).trimEnd()));
  return (rows: readonly (readonly Cell[])[]): void => {
    for (const row of rows)
      out.line(
        ...fitted.flatMap(({ at, width, isShort }, position) => {
          const cell = row[at] ?? nothingAt;
          const whole = (isShort ? shortOf : shownOf)(cell) || nothing;
          const text = columns[at]?.least === undefined ? whole : cutTo(width, whole);
          const shown = position === last && !columns[at]?.isNumber ? text : aligned(at, width, text);
          return [separated(position), cell.style === undefined ? shown : styled(cell.style, shown)];
        }),
      );
  };
}

/** The first cell heads each; the others follow, a line each. */
function inBlocks(out: Output, columns: readonly Column[], said: readonly number[]) {
  const [first = 0, ...others] = said;
  let isFirst = true;
  return (rows: readonly (readonly Cell[])[]): void => {
    for (const row of rows) {
      if (!isFirst) out.line('');
      isFirst = false;
      out.line(styled('bold', shownOf(row[first] ?? nothingAt)));
      const facts = others.map((at): Fact => {
        const cell = row[at] ?? nothingAt;
        const text = shownOf(cell);
        return [columns[at]?.heading ?? '', cell.style === undefined ? text : styled(cell.style, text)];
      });
      tellFacts(out, facts, { indent: gap });
    }
  };
}
