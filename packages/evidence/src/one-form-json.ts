/**
 * JSON whose objects name no member twice: of two with one name programs take whichever they like, and two readers of the same
 * bytes would read two things.
 *
 * @throws SyntaxError with a message of one line, without a word of the text
 */
export function parseOneForm(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError('This is no JSON');
  }
  if (namesIn(text) !== membersIn(value)) throw new SyntaxError('This is JSON that names a member twice');
  return value;
}

/** As many as are written: texts with a colon behind them. Of text that is JSON. By no pattern: those fail at long texts. */
function namesIn(text: string): number {
  let names = 0;
  for (let start = text.indexOf('"'); start !== -1; start = text.indexOf('"', start)) {
    let end = text.indexOf('"', start + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    start = end + 1;
    while (' \t\r\n'.includes(text[start] ?? '-')) start += 1;
    if (text[start] === ':') names += 1;
  }
  return names;
}

function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === '\\') from -= 1;
  return (at - from) % 2 === 1;
}

/** As many as were read. Without calls of itself: what somebody sends may be nested deeper than any stack. */
function membersIn(value: unknown): number {
  let members = 0;
  const open: unknown[] = [value];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (typeof at !== 'object' || at === null) continue;
    const within: unknown[] = Object.values(at);
    if (!Array.isArray(at)) members += within.length;
    for (const one of within) open.push(one);
  }
  return members;
}
