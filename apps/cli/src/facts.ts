import { clean } from './clean.ts';
import { type Output, type Part, styled } from './output.ts';
import { widthOf, wrapped } from './text-width.ts';

export type Fact = readonly [label: Part, ...parts: Part[]];

const gap = 2;
const plain = (parts: readonly Part[]): string =>
  parts.map((part) => clean(typeof part === 'string' ? part : part.text)).join('');

/** A label and what is to be said of it in each line; what is longer than the terminal is broken between words. */
export function tellFacts(out: Output, facts: readonly Fact[], { indent = 0, least = 0 } = {}): void {
  const width = Math.max(least, ...facts.map(([label]) => widthOf(plain([label]))));
  for (const fact of facts) tellFact(out, fact, { margin: ' '.repeat(indent), width });
}

function tellFact(
  out: Output,
  [name, ...parts]: Fact,
  { margin, width }: { margin: string; width: number },
): void {
  const label = typeof name === 'string' ? styled('dim', name) : name;
  const text = plain(parts);
  const beside = [margin, label, ' '.repeat(width - widthOf(plain([label])) + gap)];
  const before = margin.length + width + gap;
  const room = (out.width ?? Number.POSITIVE_INFINITY) - before;
  if (widthOf(text) <= room) {
    out.line(...beside, ...parts);
    return;
  }
  const [only] = parts;
  const style = parts.length === 1 && typeof only === 'object' ? only.style : undefined;
  const part = (line: string): Part => (style === undefined ? line : styled(style, line));
  const lines = wrapped(text, room);
  if (lines.every((line) => widthOf(line) <= room)) {
    for (const [at, line] of lines.entries())
      out.line(...(at === 0 ? beside : [' '.repeat(before)]), part(line));
    return;
  }
  // What has no room beside its label stands under it, whole.
  out.line(margin, label);
  for (const line of wrapped(text, room + width)) out.line(margin, ' '.repeat(gap), part(line));
}

/** Sentences, broken between words where a terminal is narrower; a command at the end of one stays whole. */
export function tellText(out: Output, text: string, indent = ''): void {
  if (out.width === null) {
    out.line(indent, text);
    return;
  }
  const [, sentence = text, command] = /^(.*?:) (rekey \S.*)$/.exec(clean(text)) ?? [];
  const lines = wrapped(clean(sentence), out.width - indent.length);
  const last = lines.at(-1) ?? '';
  const fits = command !== undefined && widthOf(`${indent}${last} ${command}`) <= out.width;
  for (const line of fits ? [...lines.slice(0, -1), `${last} ${command}`] : lines) out.line(indent, line);
  if (command !== undefined && !fits) out.line(indent, command);
}
