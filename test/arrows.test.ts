import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { test } from 'node:test';

/** The map: which rooms each room may look into. `docs/architecture.md` shows it to people. */
const arrows: Record<string, readonly string[]> = {
  'apps/api': [
    'contract',
    'commands',
    'control',
    'db',
    'schema',
    'jobs',
    'evidence',
    'runtime',
    'metrics',
    'calendar',
    'times',
  ],
  'apps/worker': [
    'commands',
    'rotation',
    'control',
    'data',
    'db',
    'schema',
    'jobs',
    'keyring',
    'kms',
    'envelope',
    'evidence',
    'runtime',
    'metrics',
    'times',
  ],
  'apps/cli': ['client', 'evidence', 'control', 'db', 'jobs', 'keyring', 'kms', 'runtime', 'schema'],
  'apps/demo': [
    'client',
    'contract',
    'control',
    'data',
    'db',
    'schema',
    'jobs',
    'stack',
    'vault',
    'kms',
    'runtime',
  ],
  'packages/commands': ['control', 'db', 'jobs'],
  'packages/rotation': ['control', 'data', 'db', 'keyring', 'kms', 'envelope', 'times'],
  'packages/vault': ['control', 'data', 'db', 'keyring', 'kms', 'envelope'],
  'packages/keyring': ['control', 'db', 'kms', 'envelope', 'times'],
  'packages/control': ['data', 'db', 'calendar', 'times'],
  'packages/data': ['db', 'times'],
  'packages/schema': ['db'],
  'packages/db': ['times'],
  'packages/kms': ['envelope'],
  'packages/envelope': [],
  'packages/evidence': [],
  'packages/jobs': ['times'],
  'packages/client': [],
  'packages/contract': [],
  'packages/runtime': [],
  'packages/metrics': ['runtime'],
  'packages/stack': [],
  'packages/calendar': ['times'],
  'packages/times': [],
};

/** What only some rooms may use. Keys are module names or patterns of code; values the rooms that may. */
const onlyIn: ReadonlyArray<{ what: RegExp; rooms: RegExp; why: string }> = [
  { what: /from '(fastify|@fastify\/[^']+)'/, rooms: /^apps\/api\//, why: 'fastify only in apps/api' },
  {
    what: /import \{[^}]*\bWorker\b[^}]*\} from 'bullmq'/,
    rooms: /^apps\/worker\//,
    why: "BullMQ's Worker only in apps/worker",
  },
  {
    what: /from 'pg(-copy-streams)?'/,
    rooms: /^packages\/(db|schema|data|control|stack)\//,
    why: 'Postgres only through its rooms',
  },
  { what: /create(De)?[cC]ipher(iv)?\(/, rooms: /^packages\/envelope\//, why: 'ciphers only in envelope' },
  {
    what: /process\.env|env \} from 'node:process'/,
    rooms: /(^|-|\/)(main|demo|start)\.ts$|^packages\/kms\/src\/providers\//,
    why: 'process.env only where a process begins, and where KEK providers find credentials as SDKs do',
  },
  {
    what: /['"](@aws-sdk|@google-cloud|google-auth-library|@azure|pkcs11js)/,
    rooms: /^packages\/kms\/src\/(providers\/|open-kek\.ts$)/,
    why: 'SDKs of clouds only in KEK providers',
  },
  {
    what: /[`']\s*(select|insert into|update|delete from|with)\s[^`']*\b(from|into|set|as)\b/i,
    rooms: /^packages\/(db|schema|data|control|stack)\//,
    why: 'SQL only in the rooms of the database',
  },
];

const sources = await Promise.all(
  (
    await Array.fromAsync(
      glob('{apps,packages}/*/src/**/*.ts', { cwd: new URL('..', import.meta.url).pathname }),
    )
  )
    .sort()
    .map(async (file) => ({ file, text: await readFile(new URL(`../${file}`, import.meta.url), 'utf8') })),
);

test('there is code to look at', () => {
  assert.ok(sources.length > 30);
});

test('every room is on the map', () => {
  const rooms = new Set(sources.map(({ file }) => file.split('/').slice(0, 2).join('/')));
  assert.deepEqual([...rooms].sort(), Object.keys(arrows).sort());
});

test('rooms look only where the map has an arrow', () => {
  const strays = sources.flatMap(({ file, text }) => {
    const room = file.split('/').slice(0, 2).join('/');
    const allowed = new Set(arrows[room]);
    return [...text.matchAll(/from '@rekey\/([a-z-]+)'/g)]
      .map(([, other = '']) => other)
      .filter((other) => !allowed.has(other))
      .map((other) => `${file} → ${other}`);
  });
  assert.deepEqual(strays, []);
});

test('rooms meet only at their front doors', () => {
  const strays = sources.flatMap(({ file, text }) => {
    const room = file.split('/').slice(0, 2).join('/');
    return [...text.matchAll(/from '(\.[^']*|@rekey\/[a-z-]+\/[^']*)'/g)]
      .map(([, path = '']) => path)
      .filter(
        (path) => path.startsWith('@') || !new URL(path, `file:///${file}`).pathname.startsWith(`/${room}/`),
      )
      .map((path) => `${file} → ${path}`);
  });
  assert.deepEqual(strays, []);
});

test('what the command line needs of the database is behind a door of its own, opened when it is needed', () => {
  const ofCli = sources.filter(({ file }) => file.startsWith('apps/cli/'));
  const behind = /^apps\/cli\/src\/database\//;
  const strays = ofCli
    .filter(({ file }) => !behind.test(file))
    .filter(({ text }) => /from '(@rekey\/(?!client'|evidence')|typebox|\.\.?\/database\/)/.test(text))
    .map(({ file }) => file);
  assert.deepEqual(strays, []);
  assert.ok(ofCli.some(({ file }) => behind.test(file)));
});

for (const { what, rooms, why } of onlyIn) {
  test(why, () => {
    const strays = sources
      .filter(({ file, text }) => !rooms.test(file) && what.test(text))
      .map(({ file }) => file);
    assert.deepEqual(strays, []);
  });
}
