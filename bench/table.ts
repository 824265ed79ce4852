import type { Figure } from './stats.ts';

/** A measurement, a single number, a word, or nothing to say. */
export type Cell = Figure | number | string | null;

export interface Row {
  readonly label: string;
  readonly cells: Readonly<Record<string, Cell>>;
}

/** What a series measured: the same columns in every row, named with their unit. */
export interface Table {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** As text for a terminal and, being Markdown, for the docs. */
export function render({ title, columns, rows, notes }: Table): string {
  const header = ['', ...columns];
  const body = rows.map(({ label, cells }) => [
    label,
    ...columns.map((column) => renderCell(cells[column] ?? null)),
  ]);
  const widths = header.map((name, i) =>
    Math.max(name.length, 3, ...body.map((line) => line[i]?.length ?? 0)),
  );
  const line = (parts: readonly string[]): string =>
    `| ${parts.map((part, i) => (i === 0 ? part.padEnd(widths[i] ?? 0) : part.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [
    `## ${title}`,
    '',
    line(header),
    rule,
    ...body.map(line),
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}

function renderCell(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return renderNumber(cell);
  if (cell.rounds === 1) return renderNumber(cell.median);
  return `${renderNumber(cell.median)} (${renderNumber(cell.min)}–${renderNumber(cell.max)})`;
}

/** Three significant digits; what is large in thousands or millions. */
export function renderNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${significant(value / 1e6)}M`;
  if (size >= 1e4) return `${significant(value / 1e3)}k`;
  return significant(value);
}

function significant(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}
