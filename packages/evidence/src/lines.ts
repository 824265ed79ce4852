/** A text of some kind of rows, taken apart as it comes, each piece looked at once however long a row is. */
export interface RowReader {
  /** What ends in this piece, in order; null: a row that is longer than any is. */
  add(piece: string): Generator<string | null>;
  /** What did not end; undefined: nothing. */
  rest(): string | null | undefined;
}

/** Longer than anything that is recorded, and short enough to be held. */
const rowMaxChars = 2 ** 24;

/**
 * @param quotes whether a line's end within quotes is none
 * @param maxChars of a row; of what is longer nothing is kept
 */
export function createRowReader(quotes: boolean, maxChars = rowMaxChars): RowReader {
  let held: string[] = [];
  let chars = 0;
  let isQuoted = false;

  const hold = (text: string): void => {
    chars += text.length;
    if (chars > maxChars) held = [];
    else if (text !== '') held.push(text);
  };
  const take = (): string | null => {
    const row = chars > maxChars ? null : held.join('');
    [held, chars] = [[], 0];
    return row;
  };

  const marks = quotes ? /["\n]/g : /\n/g;
  return {
    *add(piece) {
      let start = 0;
      for (const { 0: mark, index } of piece.matchAll(marks)) {
        if (mark === '"') isQuoted = !isQuoted;
        if (mark === '"' || isQuoted) continue;
        hold(piece.slice(start, index + 1));
        yield take();
        start = index + 1;
      }
      hold(piece.slice(start));
    },
    rest: () => (chars === 0 ? undefined : take()),
  };
}

/** Rows with their ends; the last one may have none. */
export async function* rowsOf(pieces: AsyncIterable<string>, quotes: boolean): AsyncGenerator<string | null> {
  const reader = createRowReader(quotes);
  for await (const piece of pieces) yield* reader.add(piece);
  const rest = reader.rest();
  if (rest !== undefined) yield rest;
}
