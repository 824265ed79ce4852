import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { openTable } from '../../apps/cli/src/table.ts';
import { cutTo, widthOf, wrapped } from '../../apps/cli/src/text-width.ts';
import { idCell, momentCell } from '../../apps/cli/src/times.ts';
import { screen } from './screen.ts';

const tenant = '3fa85f64-5717-4562-b3fc-2c963f66afa6';
const columns = [
  { heading: 'ROTATION' },
  { heading: 'TENANT' },
  { heading: 'STATUS' },
  { heading: 'RECORDS', isNumber: true },
  { heading: 'STARTED (UTC)' },
  { heading: 'NAME', least: 8 },
];
const rows = (name: string) =>
  ['a', 'b'].map((one) => [
    `rot-${one.repeat(8)}-5717-4562-b3fc-2c963f66afa6`,
    idCell(tenant),
    { text: 'completed with failures', short: 'with failures', style: 'bad' as const },
    { text: '1234', shown: '1,234', short: '' },
    momentCell('2026-11-30T06:50:37.643Z'),
    name,
  ]);

function printed(width: number | null, name = 'Demo', look = { term: 'xterm', noColor: '1' }): string {
  const { output, text } = screen(width, look);
  openTable(output, columns).add(rows(name));
  return text();
}

test('in a pipe everything is there, each value in its place', () => {
  const [head, first] = printed(null, 'a\tb\nc').split('\n');
  assert.equal(head, 'ROTATION\tTENANT\tSTATUS\tRECORDS\tSTARTED (UTC)\tNAME');
  assert.deepEqual(first?.split('\t').slice(1), [
    tenant,
    'completed with failures',
    '1234',
    '2026-11-30T06:50:37.643Z',
    'abc',
  ]);
  assert.match(printed(null, ''), /Z\t-\n/);
});

test('in a terminal rows fit its columns, and the id that is to be copied is whole', () => {
  for (const width of [40, 60, 80, 100, 120, 160, 200])
    for (const name of ['Demo', '漢字 and a name of some length that goes on', 'x'.repeat(300), '']) {
      const out = printed(width, name);
      for (const line of out.split('\n')) {
        const isWord = !line.trim().includes(' ');
        assert.ok(widthOf(line) <= width || isWord, `${width}: ${line}`);
      }
      for (const id of [
        'rot-aaaaaaaa-5717-4562-b3fc-2c963f66afa6',
        'rot-bbbbbbbb-5717-4562-b3fc-2c963f66afa6',
      ])
        assert.ok(out.includes(id), `${width}: ${out}`);
    }
  assert.match(printed(200), /^ROTATION +TENANT +STATUS +RECORDS +STARTED \(UTC\) +NAME\n/);
  assert.match(printed(200), / {3}1,234 {2}2026-11-30 06:50:37 {2}Demo\n/);
  // Of a table of so little room: what `short` leaves empty is gone, names are cut first.
  assert.match(printed(100), /^ROTATION +TENANT +STATUS +STARTED \(UTC\) +NAME\n/);
  assert.match(printed(100), / 3fa85f64… {2}with failures {2}11-30 06:50 /);
  // In blocks nothing is left out.
  for (const told of [tenant, 'completed with failures', '1,234', '2026-11-30 06:50:37', 'Demo'])
    assert.ok(printed(40).includes(told), told);
});

test('later pages stand under the same headings', () => {
  const { output, text } = screen(200, { noColor: '1' });
  const table = openTable(output, columns);
  table.add(rows('Demo'));
  table.add([]);
  table.add(rows('Other'));
  const lines = text().trimEnd().split('\n');
  assert.equal(lines.length, 5);
  assert.deepEqual(
    lines.map((line) => line.search(/STATUS|completed/)),
    Array.from({ length: 5 }, () => lines[0]?.indexOf('STATUS')),
  );
});

test('colours are where they were asked for, and no part of the width', () => {
  const coloured = printed(200, 'Demo', { term: 'xterm', noColor: '' });
  assert.ok(coloured.includes('\x1b[31mcompleted with failures'));
  assert.equal(stripVTControlCharacters(coloured), printed(200));
  assert.equal(printed(200, 'Demo', { term: 'dumb', noColor: '' }), printed(200));
});

test('text is measured as it is drawn, cut and broken without losing a letter that is kept', () => {
  assert.deepEqual(['abc', '漢字', 'e\u0301', '👩‍🚀', ''].map(widthOf), [3, 4, 1, 2, 0]);
  assert.deepEqual([cutTo(4, '漢字漢字'), cutTo(3, 'abc'), cutTo(3, 'abcd')], ['漢…', 'abc', 'ab…']);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 60 }), (text, width) => {
      assert.ok(widthOf(cutTo(width, text)) <= width);
      assert.equal(wrapped(text, width).join(' '), text);
      for (const line of wrapped(text, width)) assert.ok(widthOf(line) <= width || !line.includes(' '));
    }),
  );
});
