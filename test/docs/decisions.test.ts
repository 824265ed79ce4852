import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';

const folder = new URL('../../docs/adr/', import.meta.url);
const files = (await readdir(folder)).sort();
const sections = ['Context', 'Decision', 'Alternatives', 'Consequences'];

/** `accepted`, or what it was superseded by; then the day. What follows in parentheses says how far. */
const status =
  /^Status: (accepted|superseded(?: in part)? by \[(\d{4})\]\(([^)]+\.md)\)(?: \([^)]+\))?), (\d{4}-\d{2}-\d{2})$/m;

test('there are decisions to look at, each with a number of its own', () => {
  assert.ok(files.length > 30);
  const numbers = files.map((file) => file.slice(0, 4));
  assert.deepEqual(numbers, [...new Set(numbers)]);
});

for (const file of files) {
  test(`${file} has a number, a status with its date, and what was weighed`, async () => {
    const text = await readFile(new URL(file, folder), 'utf8');
    assert.match(text, new RegExp(`^# ${file.slice(0, 4)}: \\S`));
    const [, , by, successor, day = ''] = status.exec(text.split('\n## ', 1)[0] ?? '') ?? [];
    assert.equal(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10), day);
    if (successor !== undefined) {
      assert.ok(successor.startsWith(by ?? ''));
      await access(new URL(successor, folder));
    }
    const parts = text.split(/^## /m).slice(1);
    const told = parts
      .map((part) => part.split('\n', 1)[0] ?? '')
      .filter((title) => sections.includes(title));
    assert.deepEqual(told, sections);
    for (const part of parts) assert.match(part.replace(/^.*\n/, ''), /\S/, 'a section without a word');
  });
}
