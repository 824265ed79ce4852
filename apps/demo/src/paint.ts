/** Colours for a terminal; the same text without them where colour is not wanted. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
}

export function createPaint(colour: boolean): Paint {
  const sgr =
    (on: number, off: number) =>
    (text: string): string =>
      colour && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), bad: sgr(31, 39), accent: sgr(36, 39) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
const colours = /\x1b\[[0-9;]*m/g;

/** How many columns a line takes: our texts hold no wide characters. */
export function widthOf(line: string): number {
  return line.replace(colours, '').length;
}

/** The line cut to `columns`, colours ended. */
export function clip(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let room = columns - 1;
  let clipped = '';
  let at = 0;
  for (const { 0: colour, index } of line.matchAll(colours)) {
    const text = line.slice(at, index).slice(0, room);
    room -= text.length;
    clipped += text + colour;
    at = index + colour.length;
  }
  return `${clipped}${line.slice(at).slice(0, room)}…`;
}
