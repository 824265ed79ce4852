import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ApiVariables } from '../../apps/api/src/config.ts';
import { StartVariables } from '../../apps/demo/src/settings.ts';
import { WorkerVariables } from '../../apps/worker/src/config.ts';

const read = (file: string): Promise<string> => readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
const manual = await read('docs/configuration.md');
const processes = [
  { name: 'API', heading: 'API: `npm run start:api`', variables: ApiVariables },
  { name: 'worker', heading: 'Worker: `npm run start:worker`', variables: WorkerVariables },
  { name: 'demo', heading: 'Demo: `npm run demo`, and stack: `npm start`', variables: StartVariables },
] as const;

/** The rows of a table: the variables of the first cell, the second. */
function rowsOf(text: string): Map<string, string> {
  const rows = [...text.matchAll(/^\| (`[A-Z].*?) \| (.*?) \|/gm)];
  return new Map(
    rows.flatMap(([, names = '', value = '']) =>
      [...names.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = '']) => [name, value] as const),
    ),
  );
}
const sectionOf = (heading: string): Map<string, string> =>
  rowsOf(manual.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '');

/** What docs/configuration.md says of a default that is a value; a sentence says how another one is found. */
const literal = (cell: string): string | undefined => /^`([^`]*)`$/.exec(cell)?.[1];

for (const { name, heading, variables } of processes) {
  test(`docs/configuration.md has each variable of the ${name} once, with its default, and no other`, () => {
    const rows = sectionOf(heading);
    const properties = Object.entries<object>(variables.properties);
    assert.ok(properties.length > 5);
    const notRead = name === 'demo' ? ['NO_COLOR', 'TERM'] : [];
    assert.deepEqual([...rows.keys()].sort(), [...properties.map(([key]) => key), ...notRead].sort());
    const required = new Set<string>(variables.required);
    for (const [key, schema] of properties) {
      const cell = rows.get(key) ?? '';
      const value = 'default' in schema ? String(schema.default) : undefined;
      if (value === undefined) assert.equal(cell === 'required', required.has(key), key);
      else if (literal(cell) !== undefined) assert.equal(literal(cell), value, key);
      else
        assert.ok(
          key === 'WORKER_CONCURRENCY' || key === 'THROTTLE_SESSIONS' || cell === 'as above',
          `${key}: ${cell}`,
        );
    }
  });
}

test("the README's table names variables that there are, with the defaults of docs/configuration.md", async () => {
  const text = (await read('README.md')).split('\n## Configuration\n')[1]?.split('\n## ')[0] ?? '';
  const rows = [...text.matchAll(/^\| (`[A-Z].*?) \| (.*?) \| (.*?) \|/gm)];
  assert.ok(rows.length > 5);
  for (const [, names = '', whose = '', said = ''] of rows) {
    const users = processes.filter(({ name }) => whose.split(', ').includes(name));
    assert.ok(users.length > 0, names);
    const keys = [...names.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, key = '']) => key);
    const values = users.flatMap(({ heading }) => {
      const documented = sectionOf(heading);
      return keys.map((key) => {
        const cell = documented.get(key);
        assert.ok(cell !== undefined, `${heading}: ${key}`);
        return literal(cell);
      });
    });
    const told = said.replaceAll('`', '').split(', ');
    if (values.every((value) => value !== undefined)) assert.deepEqual(told, values, names);
  }
});

test('no other document has a table of variables', async () => {
  const known = new Set(processes.flatMap(({ variables }) => Object.keys(variables.properties)));
  for (const file of ['docs/http.md', 'docs/operations.md', 'docs/kek-providers.md', 'CONTRIBUTING.md']) {
    const tabled = [...rowsOf(await read(file)).keys()].filter((key) => known.has(key));
    assert.deepEqual(tabled, [], file);
  }
});
