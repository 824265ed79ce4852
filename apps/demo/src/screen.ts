import { clip, createPaint, type Paint, widthOf } from './paint.ts';

/** Where the demo shows itself: lines that stay, and below them a block that is drawn again and again in place. */
export interface Screen {
  /** Whether there is a block at all; without one whoever draws prints lines instead. */
  readonly live: boolean;
  readonly columns: number;
  readonly paint: Paint;
  print(...lines: string[]): void;
  draw(lines: readonly string[]): void;
  /** Takes the block away and gives the cursor back. May be repeated. */
  close(): void;
}

/** What a screen needs to know of the stream it writes to. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface ScreenOptions {
  /** `TERM`: a dumb terminal moves no cursor. */
  readonly term?: string | undefined;
  /** `NO_COLOR`: set and not empty means no colour (no-color.org). */
  readonly noColor?: string | undefined;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
/** A terminal that knows these shows a frame as a whole; the others ignore them. */
const beginFrame = '\x1b[?2026h';
const endFrame = '\x1b[?2026l';
const clearToLineEnd = '\x1b[K';
const clearBelow = '\x1b[J';

export function openScreen(output: Output, { term, noColor }: ScreenOptions = {}): Screen {
  const live = output.isTTY === true && term !== 'dumb';
  const paint = createPaint(live && !noColor);
  const columns = (): number => output.columns ?? 80;
  let block: readonly string[] = [];
  let cursorHidden = false;

  /** In one write, each line over the one it replaces: nothing is blank in between. */
  const frame = (above: readonly string[], below: readonly string[]): void => {
    const up = block.reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns())), 0);
    const lines = [...above, ...below].map((line) => `${line}${clearToLineEnd}\n`).join('');
    const home = up === 0 ? '' : `\x1b[${up}A\r`;
    output.write(`${beginFrame}${cursorHidden ? '' : hideCursor}${home}${lines}${clearBelow}${endFrame}`);
    cursorHidden = true;
    block = below;
  };

  const showCursorAgain = (): void => {
    if (cursorHidden) output.write(showCursor);
    cursorHidden = false;
  };
  if (live) process.once('exit', showCursorAgain);

  return {
    live,
    paint,
    get columns() {
      return columns();
    },
    print(...lines) {
      if (!live || block.length === 0) output.write(lines.map((line) => `${line}\n`).join(''));
      else frame(lines, block);
    },
    draw(lines) {
      if (!live) return;
      // A block higher than the terminal could not be drawn over: its top would scroll away.
      const fitting = lines
        .slice(0, Math.max(1, (output.rows ?? 24) - 1))
        .map((line) => clip(line, columns()));
      const same = fitting.length === block.length && fitting.every((line, at) => line === block[at]);
      if (!same) frame([], fitting);
    },
    close() {
      if (block.length > 0) frame([], []);
      showCursorAgain();
    },
  };
}
