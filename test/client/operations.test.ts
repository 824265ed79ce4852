import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openApi, routes } from '@rekey/api';
import { operationFiles } from '../../packages/client/generate/operation-files.ts';
import { typeText } from '../../packages/client/generate/type-text.ts';

test("the client's operations are what the routes say (else: npm run openapi)", async () => {
  const folder = new URL('../../packages/client/src/operations/', import.meta.url);
  const names = await readdir(folder);
  const committed = await Promise.all(
    names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')] as const),
  );
  const made = operationFiles(JSON.parse(openApi(routes)));
  assert.equal(made.size, routes.filter(({ mediaTypes }) => mediaTypes === undefined).length + 2);
  assert.deepEqual(Object.fromEntries(committed), Object.fromEntries(made));
});

test('a schema becomes the type of what it admits; one that is not known is refused, not guessed', () => {
  const named = { Id: { type: 'string' } };
  const rows: ReadonlyArray<[schema: object, type: string]> = [
    [{ type: 'integer' }, 'number'],
    [{ $ref: '#/components/schemas/Id' }, 'string'],
    [{ enum: ["it's", 'a "b"', '\\', 5, false] }, String.raw`'it\'s' | 'a "b"' | '\\' | 5 | false`],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }, { type: 'string' }] }, 'string | null'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, "Array<'a' | 'b'>"],
    [
      { type: 'object', required: ['a'], properties: { a: { type: 'null' }, 'b-c': { type: 'boolean' } } },
      "{\n  readonly a: null;\n  readonly 'b-c'?: boolean;\n}",
    ],
    [{ type: 'object', additionalProperties: { type: 'boolean' } }, 'Readonly<Record<string, boolean>>'],
    [{ type: 'object', additionalProperties: false }, 'Readonly<Record<string, never>>'],
    [{ type: 'object' }, 'Readonly<Record<string, unknown>>'],
    [
      {
        type: 'object',
        properties: { a: { type: 'string', description: 'ends here */ evil()\nor here' } },
      },
      '{\n  /** ends here * / evil() or here */\n  readonly a?: string;\n}',
    ],
  ];
  for (const [schema, type] of rows) assert.equal(typeText(schema, named), type);
  for (const odd of [{}, { type: 'date' }, { not: {} }, { $ref: '#/components/schemas/None' }])
    assert.throws(() => typeText(odd, named), /no type is known|the document has no/);
});
