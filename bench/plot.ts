import { type Cell, renderNumber, type Table } from './table.ts';

/** Column of each series that is worth a picture. */
const plotted: Readonly<Record<string, { readonly column: string; readonly log: boolean }>> = {
  comparison: { column: 'records/s', log: true },
  'id-kinds': { column: 'records/s', log: false },
  sizes: { column: 'records/s', log: false },
  'record-sizes': { column: 'MB/s', log: false },
  'status-polls': { column: 'polls/s', log: false },
};

const width = 760;
const labelWidth = 330;
const valueWidth = 70;
const barHeight = 18;
const rowHeight = 28;
const top = 44;

/** A bar chart of a series as SVG, medians as bars and min–max as a line across; null for one without. */
export function plot(table: Table): string | null {
  const wanted = plotted[table.name];
  if (wanted === undefined) return null;
  const bars = table.rows.flatMap(({ label, cells }) => {
    const range = rangeOf(cells[wanted.column] ?? null);
    return range === null ? [] : [{ label, ...range }];
  });
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map(({ max }) => max));
  const least = wanted.log ? Math.min(...bars.map(({ min }) => min)) / 2 : 0;
  const scale = (value: number): number => {
    const share = wanted.log ? Math.log(value / least) / Math.log(most / least) : value / most;
    return labelWidth + share * (width - labelWidth - valueWidth);
  };
  const rows = bars.map(({ label, median, min, max }, i) => {
    const y = top + i * rowHeight;
    const middle = y + barHeight / 2;
    const ours = label.startsWith('Rekey') ? ' class="ours"' : '';
    return [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect${ours} x="${labelWidth}" y="${y}" width="${round(scale(median) - labelWidth)}" height="${barHeight}"/>`,
      `<line x1="${round(scale(min))}" x2="${round(scale(max))}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${round(scale(max)) + 6}" y="${middle + 4}">${renderNumber(median)}</text>`,
    ].join('');
  });
  const title = `${table.title} (${wanted.column}${wanted.log ? ', logarithmic' : ''})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + bars.length * rowHeight + 8}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    '<style>text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:14px}rect{fill:#b8c0cc}.ours{fill:#2563eb}line{stroke:#111}</style>',
    `<rect width="${width}" height="100%" style="fill:#fff"/>`,
    `<text class="title" x="12" y="24">${escapeXml(title)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function rangeOf(cell: Cell): { median: number; min: number; max: number } | null {
  if (cell === null || typeof cell === 'string') return null;
  return typeof cell === 'number' ? { median: cell, min: cell, max: cell } : cell;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
