import { percent } from './format.ts';
import type { Paint } from './paint.ts';

/** A thin bar, `width` columns wide. Both its parts can be told apart without colour. Full only when all is done. */
export function bar(fraction: number, width: number, paint: Paint): string {
  const whole = Math.min(1, Math.max(0, fraction));
  const filled = whole === 1 ? width : Math.min(width - 1, Math.floor(whole * width));
  const done = '━'.repeat(filled);
  return (whole === 1 ? paint.good(done) : paint.accent(done)) + paint.dim('─'.repeat(width - filled));
}

/** The columns in which labels stand, here and in every table. */
const labelWidth = 15;
const indent = '  ';
const barMax = 60;
const barMin = 8;

/** `  credentials    ━━━━━━━━────────   50.0 %   12 of 25`, as wide as the terminal lets it be. */
export function barLine(
  { label, fraction, note }: { label: string; fraction: number; note: string },
  { columns, noteWidth, paint }: { columns: number; noteWidth: number; paint: Paint },
): string {
  const percentWidth = 7;
  const fixed = indent.length + labelWidth + percentWidth + 3 + 3 + noteWidth;
  const width = Math.max(barMin, Math.min(barMax, columns - fixed));
  return [
    indent,
    label.padEnd(labelWidth),
    bar(fraction, width, paint),
    '   ',
    percent(fraction).padStart(percentWidth),
    '   ',
    note.padStart(noteWidth),
  ].join('');
}

/** A label and what belongs to it, aligned with the bars. */
export function labelled(label: string, text: string, paint: Paint): string {
  return `${indent}${paint.dim(label.padEnd(labelWidth))}${text}`;
}
