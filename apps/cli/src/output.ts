import { clean } from './clean.ts';

const styles = { bold: [1, 22], dim: [2, 22], good: [32, 39], bad: [31, 39] } as const;
export type Style = keyof typeof styles;

interface Styled {
  readonly style: Style;
  readonly text: string;
}
export type Part = string | Styled;

export const styled = (style: Style, text: string): Styled => ({ style, text });

/** Of a terminal that does not say. */
const columnsUnknown = 80;

/** Cleans whatever it is given: the only escape sequences that reach the terminal are its own. */
export interface Output {
  /** Whether something can be drawn in place. */
  readonly live: boolean;
  /** In how many columns it is read; null where no terminal is. */
  readonly width: number | null;
  line(...parts: readonly Part[]): void;
  /** Cells with a tab between, for programs. */
  row(cells: readonly string[]): void;
  /** One line that is drawn again and again, until the next `line` or `settle`. */
  draw(text: string): void;
  settle(): void;
  /** Text that is no line, as it is: for files. */
  raw(text: string): void;
  /** The same of one that may be larger than memory: resolves when there is room for more. */
  pour(text: string): Promise<void>;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  once?(event: 'drain', then: () => void): unknown;
}

export interface Look {
  readonly term?: string | undefined;
  readonly noColor?: string | undefined;
}

export function openOutput(stream: Stream, { term, noColor }: Look): Output {
  const live = stream.isTTY === true && term !== 'dumb';
  const colour = live && !noColor;
  let drawn = false;
  const settle = (): void => {
    if (drawn) stream.write('\r\x1b[K');
    drawn = false;
  };
  const shown = (part: Part): string => {
    if (typeof part === 'string') return clean(part);
    const [on, off] = styles[part.style];
    return colour ? `\x1b[${on}m${clean(part.text)}\x1b[${off}m` : clean(part.text);
  };
  return {
    live,
    get width() {
      return stream.isTTY === true ? stream.columns || columnsUnknown : null;
    },
    line(...parts) {
      settle();
      stream.write(`${parts.map(shown).join('')}\n`);
    },
    row(cells) {
      settle();
      stream.write(`${cells.map(clean).join('\t')}\n`);
    },
    draw(text) {
      if (!live) return;
      // A line that wraps could not be drawn over.
      stream.write(`\r\x1b[K${clean(text).slice(0, (stream.columns || columnsUnknown) - 1)}`);
      drawn = true;
    },
    settle,
    raw: (text) => void stream.write(text),
    async pour(text) {
      if (stream.write(text) !== false || stream.once === undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('drain', resolve);
      await promise;
    },
  };
}
