import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRates, openScreen } from '@rekey/demo';

/** A terminal as far as it is needed: what it was sent, and what can be seen on it. */
function terminal({ columns = 20, rows = 10 } = {}) {
  const sent: string[] = [];
  return {
    isTTY: true,
    columns,
    rows,
    write: (text: string) => sent.push(text),
    sent,
    /** Plays back what was sent: text, line ends, cursor up, clear to the line's end, clear below. */
    shown(): string[] {
      const lines: string[] = [''];
      let at = 0;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's language
      for (const [token] of sent.join('').matchAll(/\x1b\[\??\d*[A-Za-z]|\n|\r|[^\x1b\n\r]+/g)) {
        if (/^.\[\d+A$/.test(token)) at -= Number.parseInt(token.slice(2), 10);
        else if (token === '\n') at += 1;
        else if (token === '\x1b[J') lines.length = at;
        else if (!token.startsWith('\x1b') && token !== '\r') lines[at] = token;
        else if (token === '\x1b[K' && lines[at] === undefined) lines[at] = '';
      }
      return lines.map((line) => line ?? '');
    },
  };
}

test('the block is drawn over itself, and what is printed stays above it', () => {
  const output = terminal();
  const screen = openScreen(output);
  screen.draw(['one', 'two']);
  screen.draw(['one!', 'two']);
  screen.print('printed');
  screen.draw(['three']);
  assert.deepEqual(output.shown(), ['printed', 'three']);
  screen.close();
  assert.deepEqual(output.shown(), ['printed']);
});

test('a frame is one write, and none when nothing has changed', () => {
  const output = terminal();
  const screen = openScreen(output);
  screen.draw(['one', 'two']);
  screen.draw(['one', 'two']);
  assert.equal(output.sent.length, 1);
  screen.close();
});

test('the block never leaves the terminal, sideways or upwards', () => {
  const output = terminal({ columns: 10, rows: 3 });
  const screen = openScreen(output);
  screen.draw(['a long line, too long', 'second', 'third', 'fourth']);
  assert.deepEqual(output.shown(), ['a long li…', 'second']);
  screen.close();
});

test('the cursor is hidden while something is drawn, and given back at the end, once', () => {
  const output = terminal();
  const screen = openScreen(output);
  screen.draw(['one']);
  assert.ok(output.sent.join('').includes('\x1b[?25l'));
  screen.close();
  screen.close();
  assert.equal(output.sent.join('').split('\x1b[?25h').length - 1, 1);
});

test('without a terminal there are plain lines only', () => {
  const output = { ...terminal(), isTTY: false };
  const screen = openScreen(output);
  screen.draw(['one']);
  screen.print(screen.paint.good('printed'));
  screen.close();
  assert.deepEqual(output.sent, ['printed\n']);
});

test('NO_COLOR and a dumb terminal are respected', () => {
  assert.equal(openScreen(terminal(), { noColor: '1' }).paint.good('x'), 'x');
  assert.notEqual(openScreen(terminal(), { noColor: '' }).paint.good('x'), 'x');
  assert.equal(openScreen(terminal(), { term: 'dumb' }).live, false);
});

test('a rate is that of the last second', () => {
  const rates = createRates();
  assert.deepEqual(rates(0, 0, 0), { first: 0, second: 0 });
  assert.deepEqual(rates(500, 100, 10), { first: 200, second: 20 });
  assert.deepEqual(rates(1_000, 200, 20), { first: 200, second: 20 });
  rates(2_000, 200, 20);
  assert.deepEqual(rates(3_000, 200, 120), { first: 0, second: 100 });
});
