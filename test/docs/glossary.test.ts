import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exportedNames, wordsOf } from './exported-names.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Word {
  readonly word: string;
  readonly meaning: string;
  readonly names: readonly string[];
  readonly room: string;
  readonly not: readonly string[];
}

const [, table = ''] =
  /^## Glossary$(.*?)^## /ms.exec(await readFile(join(root, 'docs/architecture.md'), 'utf8')) ?? [];
const glossary: Word[] = table
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| word |'))
  .map((line) => {
    const [, word = '', meaning = '', names = '', room = '', not = ''] = line
      .split('|')
      .map((cell) => cell.trim());
    return {
      word,
      meaning,
      names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
      room: room.replaceAll('`', ''),
      not: not.split(', ').filter((other) => other !== ''),
    };
  });

const files = (
  await Array.fromAsync(
    glob('{packages,apps,bench,test,examples}/**/*.{ts,mjs,sql}', {
      cwd: root,
      exclude: (path) => path.includes('node_modules'),
    }),
  )
).sort();
const exported = (
  await Promise.all(
    files
      .filter((file) => file.endsWith('.ts'))
      .map(async (file) => exportedNames(file, await readFile(join(root, file), 'utf8'))),
  )
).flat();

test('the glossary has its words, each with a meaning, a name in code and a room', () => {
  assert.ok(glossary.length >= 20 && glossary.length <= 36, `${glossary.length} words`);
  for (const { word, meaning, names, room } of glossary)
    assert.ok(word !== '' && meaning !== '' && names.length > 0 && room !== '', word);
  const words = glossary.map(({ word }) => word);
  assert.deepEqual(words, [...new Set(words)]);
});

test('what the glossary names is there: exported by its room, or a function of the database', async () => {
  assert.ok(exported.length > 500);
  for (const { word, names, room } of glossary)
    for (const name of names)
      if (name.startsWith('rekey.'))
        await access(join(root, 'packages/schema/functions', `${name.slice('rekey.'.length)}.sql`));
      else
        assert.ok(
          exported.some((found) => found.name === name && found.file.startsWith(`${room}/src/`)),
          `${word}: ${room} exports no ${name}`,
        );
});

/** Where one of `words` stands in `name`, as words of its own. */
function uses(name: string, words: readonly string[]): boolean {
  return words.some((word) => `-${wordsOf(name)}-`.includes(`-${word.replaceAll(' ', '-')}-`));
}

test('no exported name and no file has a word that the glossary does without', () => {
  const forbidden = glossary.flatMap(({ not }) => not);
  assert.ok(['scoreboard', 'doorbell', 'pulse', 'turns', 'pace'].every((word) => forbidden.includes(word)));
  const strays = [
    ...exported.filter(({ name }) => uses(name, forbidden)).map(({ file, name }) => `${file}: ${name}`),
    ...files.filter((file) => uses(basename(file), forbidden)),
  ];
  assert.deepEqual(strays, []);
});

test('a window is what the sweep reads at once, whoever exports the word', () => {
  const rooms = /^(packages\/(data|rotation)|test\/rotation)\//;
  const strays = [
    ...exported.filter(({ name }) => uses(name, ['window', 'windows'])).map(({ file }) => file),
    ...files.filter((file) => uses(basename(file), ['window', 'windows'])),
  ].filter((file) => !rooms.test(file));
  assert.deepEqual(strays, []);
});

test('whichever way a name is exported, it is seen', () => {
  const seen = exportedNames(
    'a.ts',
    `/** Not export const inAComment = 1; */
     import { x } from 'y';
export { a, type B, c as d, default as e } from './one.ts';
export {
  f, // not this
  /** Nor this. */
  type G,
} from './two.ts';
export type { H } from './three.ts';
export const iJ = 1;
export async function k() {}
export interface L {}
export type M = string;
export class N {}
export const { o, p: q } = { o: 1, p: 2 };
`,
  ).map(({ name }) => name);
  assert.deepEqual(seen.sort(), ['B', 'G', 'H', 'L', 'M', 'N', 'a', 'd', 'e', 'f', 'iJ', 'k', 'o', 'q']);
  for (const name of ['createScoreboard', 'SCOREBOARD_MS', 'DEKScoreboard', 'my-scoreboard.test.ts'])
    assert.ok(uses(name, ['scoreboard']), name);
  assert.ok(uses('signOfLifeMs', ['sign of life']));
  assert.ok(!uses('returnsPaced', ['turns', 'pace']));
});
