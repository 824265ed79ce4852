import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const tests = join(here, '..');

interface Row {
  readonly row: string;
  readonly what: string;
  readonly expected: string;
  readonly file: string;
  readonly title: string;
  readonly instance: string | undefined;
}

/** The kinds of one document, with their rows. */
async function kindsOf(document: string): Promise<Map<string, Row[]>> {
  const kinds = new Map<string, Row[]>();
  let rows: Row[] = [];
  for (const line of (await readFile(join(here, document), 'utf8')).split('\n')) {
    const heading = /^## (.+)$/.exec(line)?.[1];
    if (heading !== undefined) {
      rows = [];
      kinds.set(heading, rows);
    }
    if (!line.startsWith('| ') || line.startsWith('| row |')) continue;
    const [row = '', what = '', expected = '', shownBy = '', ...more] = line.slice(2, -2).split(' | ');
    const [file = '', title = '', instance] = shownBy.split(' › ');
    assert.deepEqual(more, [], line);
    rows.push({ row, what, expected, file, title, instance });
  }
  return kinds;
}

const documents = (await readdir(here)).filter((name) => name.endsWith('.md'));
const kinds = new Map<string, Row[]>();
for (const document of documents)
  for (const [kind, rows] of await kindsOf(document)) kinds.set(`${document}: ${kind}`, rows);

/** The text of a test file and of what it imports from beside it. */
async function textOf(file: string): Promise<string> {
  const own = await readFile(join(tests, file), 'utf8');
  const beside = [...own.matchAll(/from '(\.\/[^']+)'/g)].map(([, path = '']) =>
    readFile(join(tests, dirname(file), path), 'utf8'),
  );
  return [own, ...(await Promise.all(beside))].join('\n');
}

for (const [kind, rows] of kinds) {
  test(`every row of ${kind} names a test that there is`, async () => {
    for (const { row, what, expected, file, title, instance } of rows) {
      assert.match(row, /^(case|more|gone)$/, what);
      assert.ok(what.length > 0 && expected.length > 0, `${kind}: a row says nothing`);
      const text = await textOf(file);
      const quoted = ["'", '"', '`'].map((quote) => `test(${quote}${title}${quote},`);
      const inLines = ["'", '"', '`'].map((quote) => `${quote}${title}${quote},`);
      assert.ok(
        quoted.some((one) => text.includes(one)) || inLines.some((one) => text.includes(one)),
        `${file} has no test "${title}"`,
      );
      if (title.includes('${')) assert.ok(instance !== undefined, `${what}: which of "${title}"?`);
      if (instance !== undefined) assert.ok(text.includes(instance), `${file} has no "${instance}"`);
    }
  });
}

test('every kind has cases that failed once, and at least three further members', () => {
  assert.ok(kinds.size >= 20, `${kinds.size} kinds`);
  for (const [kind, rows] of kinds) {
    const count = (row: string): number => rows.filter((one) => one.row === row).length;
    assert.ok(count('case') >= 1, kind);
    assert.ok(count('more') >= 3, `${kind}: ${count('more')} further members`);
    // Nothing is further by being said twice.
    const said = rows.map(({ what }) => what);
    assert.equal(new Set(said).size, said.length, kind);
  }
});
