import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { randomFrom } from '../harness/random.ts';

const database = await createTestDatabase();
const pool = database.pool();

/** RFC 8785 in the words of the language that it is written for, of integers and of names in the order of their bytes. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${names.map(([name, of]) => `${JSON.stringify(name)}:${canonical(of)}`).join()}}`;
}

test('JSON of any shape has the canonical form that others compute of it', async () => {
  const random = randomFrom(8785);
  const below = (n: number): number => Math.floor(random() * n);
  const letters = ['a', 'B', '_', '"', '\\', 'é', '\n', '1', '$', '.', '\u{1f511}'];
  const text = (): string => Array.from({ length: below(6) }, () => letters[below(letters.length)]).join('');
  const scalars = [null, true, false, 0, -5, 2 ** 40, ''];
  const any = (depth: number): unknown => {
    const kind = depth === 0 ? 0 : below(5);
    if (kind === 0) return text();
    if (kind === 1) return scalars[below(scalars.length)];
    if (kind === 2) return Array.from({ length: below(4) }, () => any(depth - 1));
    return Object.fromEntries(
      Array.from({ length: below(kind === 3 ? 6 : 40) }, () => [text(), any(depth - 1)]),
    );
  };
  const values = Array.from({ length: 500 }, () => any(3));
  const { rows } = await pool.query<{ form: string }>(
    'select rekey.canonical_json(v) as form from unnest($1::jsonb[]) with ordinality given(v, n) order by n',
    [values.map((value) => JSON.stringify(value))],
  );
  assert.deepEqual(
    rows.map(({ form }) => form),
    values.map(canonical),
  );
});
