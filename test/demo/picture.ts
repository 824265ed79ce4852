/**
 * `npm run pictures`: docs/pictures/demo.png, what `npm run demo` shows at its end, in a terminal of 100 columns. It is no test:
 * it needs script(1) and a browser.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openBrowser, skipWithoutBrowser } from '../console/browser.ts';

const entry = fileURLToPath(new URL('../../apps/demo/src/demo.ts', import.meta.url));
const picture = fileURLToPath(new URL('../../docs/pictures/demo.png', import.meta.url));
const columns = 100;

test('a picture of the demo', { skip: skipWithoutBrowser }, async (t) => {
  const command = `stty cols ${columns} rows 60; '${process.execPath}' '${entry}'`;
  const { TEST_DATABASE_ADMIN_URL = '', TEST_REDIS_URL = '', PATH = '' } = process.env;
  const env = { PATH, TERM: 'xterm', DATABASE_URL: TEST_DATABASE_ADMIN_URL, REDIS_URL: TEST_REDIS_URL };
  const { stdout } = await promisify(execFile)('script', ['-qefc', command, '/dev/null'], { env });
  const page = await (await openBrowser(t)).newPage({ deviceScaleFactor: 1.5 });
  await page.setContent(`<style>
    body { margin: 0; background: #14181f }
    pre { margin: 0; padding: 20px 24px; width: max-content; color: #d6dbe3; font: 13px/1.45 monospace }
    .s1 { font-weight: bold; color: #fff } .s2 { color: #8b95a5 } .s31 { color: #ff7b72 } .s32 { color: #5fd38d } .s36 { color: #6cb6ff }
  </style><pre>${shown(stdout).map(marked).join('\n').trimEnd()}</pre>`);
  assert.match((await page.textContent('pre')) ?? '', /✔ rotation completed/);
  await page.locator('pre').screenshot({ path: picture });
});

/** What stands on the terminal in the end: text with its colours, cursor up, clear to the line's end and below. */
function shown(sent: string): string[] {
  const lines: string[] = [''];
  let at = 0;
  let begun = false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's language
  for (const [token] of sent.matchAll(/\x1b\[\??\d*[A-Za-z]|\n|\r|[^\x1b\n\r]+/g)) {
    const isText = !token.startsWith('\x1b') || token.endsWith('m');
    if (token === '\n' || token === '\r') {
      if (token === '\n') at += 1;
      begun = false;
    } else if (token.endsWith('A') && token.startsWith('\x1b')) at -= Number.parseInt(token.slice(2), 10);
    else if (token === '\x1b[J') lines.length = at;
    else if (token === '\x1b[K' && !begun) lines[at] = '';
    else if (isText) {
      lines[at] = begun ? `${lines[at]}${token}` : token;
      begun = true;
    }
  }
  return Array.from(lines, (line = '') => line);
}

/** With its colours as HTML; each of ours ends with what ends it alone. */
function marked(line: string): string {
  const text = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
      .replaceAll(/\x1b\[(22|39)m/g, '</span>')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
      .replaceAll(/\x1b\[(\d+)m/g, '<span class="s$1">')
  );
}
