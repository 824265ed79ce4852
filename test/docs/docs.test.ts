import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setAsideReasons, WaitingFor } from '@rekey/contract';
import { failureReasons } from '@rekey/control';
import { apiFlags, workerFlags } from '@rekey/stack';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

const documents = await Promise.all(
  (
    await Array.fromAsync(
      glob('{README,CHANGELOG,CONTRIBUTING,SECURITY,docs/*,docs/adr/*,{apps,packages}/*/README}.md', {
        cwd: root,
      }),
    )
  )
    .sort()
    .map(async (file) => ({ file, text: await read(file) })),
);
const textOf = (file: string): string => documents.find((document) => document.file === file)?.text ?? '';

/** As GitHub makes them. */
function anchorsIn(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  return new Set(headings.map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

test('every link of the documents leads somewhere', async () => {
  assert.ok(documents.length > 10);
  const broken: string[] = [];
  for (const { file, text } of documents) {
    const prose = text.replace(/^```.*?^```$/gms, '');
    for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      const there = await access(join(root, target)).then(
        () => true,
        () => false,
      );
      const anchored = anchor === undefined || (there && anchorsIn(await read(target)).has(anchor));
      if (!there || !anchored) broken.push(`${file}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('docs/index.md leads every reader somewhere, and to every page', () => {
  const index = textOf('docs/index.md');
  const readers = [...index.matchAll(/^\| \*\*(.+?)\*\* \| .+ \| .+ \|$/gm)].map(([, reader]) => reader);
  const wanted = ['new here', 'application developer', 'operator', 'security team', 'auditor', 'contributor'];
  assert.deepEqual(readers, wanted);
  const pages = documents.map(({ file }) => file).filter((file) => /^docs\/[a-z-]+\.md$/.test(file));
  assert.deepEqual(
    pages.filter((page) => page !== 'docs/index.md' && !index.includes(`](${page.slice('docs/'.length)}`)),
    [],
  );
});

test('docs/operations.md says what to do about every waitingFor, every failureReason and every reason to set aside', () => {
  const text = textOf('docs/operations.md');
  const words = [...WaitingFor.anyOf.map((literal) => literal.const), ...failureReasons, ...setAsideReasons];
  assert.deepEqual(
    words.filter((word) => !text.includes(`\n| \`${word}\` |`)),
    [],
  );
});

const map = [
  ...(await read('test/arrows.test.ts')).matchAll(/^ {2}'((?:apps|packages)\/[a-z]+)': \[([^\]]*)\]/gm),
].map(([, room = '', list = '']) => ({ room, uses: namesIn(list) }));

function namesIn(list: string): string[] {
  return [...list.matchAll(/[a-z]+/g)].map(([name]) => name).sort();
}

test('docs/architecture.md shows the map that test/arrows.test.ts holds', () => {
  assert.ok(map.length > 10);
  const shown = [
    ...textOf('docs/architecture.md').matchAll(/^\| `((?:apps|packages)\/[a-z]+)` \|[^|]*\|([^|]*)\|$/gm),
  ].map(([, room = '', list = '']) => ({ room, uses: namesIn(list) }));
  const byRoom = (rooms: typeof map): typeof map => rooms.sort((a, b) => (a.room < b.room ? -1 : 1));
  assert.deepEqual(byRoom(shown), byRoom([...map]));
});

test('each room has a README with its name, its front door, and the arrows of the map', () => {
  for (const { room, uses } of map) {
    const text = textOf(`${room}/README.md`);
    assert.match(text, new RegExp(`^# @rekey/${room.split('/')[1]}\n\n\\S`), room);
    assert.match(text, /^\*\*Front door:\*\* `/m, room);
    const [, list = ''] = /^\*\*May use:\*\* (.*)\.$/m.exec(text) ?? [];
    assert.deepEqual([...list.matchAll(/`([a-z]+)`/g)].map(([, name]) => name).sort(), uses, room);
    assert.ok(text.trim().split('\n').length <= 16, `${room}/README.md is to stay short`);
  }
});

test('API and workers are run with the same flags wherever the repository runs one', async () => {
  for (const [app, flags] of [
    ['api', apiFlags],
    ['worker', workerFlags],
  ] as const) {
    const main = `apps/${app}/src/main.mjs`;
    assert.ok((await read('package.json')).includes(`exec node ${flags.join(' ')} ${main}`));
    const command = ['node', ...flags, main].map((word) => `'${word}'`).join(', ');
    assert.ok((await read('docker-compose.yml')).includes(`command: [${command}]`));
    assert.ok((await read('deploy/Dockerfile')).includes(`node ${flags.join(' ')} ${main}`));
    for (const flag of flags) assert.ok(textOf('docs/operations.md').includes(`\`${flag}\``), flag);
  }
});
