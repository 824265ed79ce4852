/** Whoever owns the schema says that events were old, and deletes them: what says so is believed of the installation alone. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventHash } from '@rekey/evidence';
import { desk, forged, ofOlder, ofTenant, other, tenant } from './forged-cuts-desk.ts';

const { fetchInto, now, pool, verify } = desk;

// What an export has, to be tampered with.
// biome-ignore lint/suspicious/noExplicitAny: of any form
type Any = any;
const linesOf = async (query: string): Promise<string[]> =>
  (await readFile(await fetchInto(query), 'utf8')).trimEnd().split('\n');
const verified = async (lines: readonly string[]): Promise<{ code: number; text: string }> => {
  const file = await fetchInto(ofTenant);
  // As many as there are then.
  const events = lines.filter((line) => line.startsWith('{"event"')).length;
  const ended = lines.map((line) =>
    line.startsWith('{"end"') ? JSON.stringify({ end: true, events }) : line,
  );
  await writeFile(file, `${ended.join('\n')}\n`);
  return verify(file, ...now);
};
const withHead = (lines: readonly string[], change: (head: Any) => unknown): string[] => {
  const head = JSON.parse(lines[0] ?? '');
  change(head);
  return [JSON.stringify(head), ...lines.slice(1)];
};
const eventsIn = (lines: readonly string[]): Any[] =>
  lines.filter((line) => line.startsWith('{"event"')).map((line) => JSON.parse(line));
/** Without the tenant's events up to that one, which is said to be the last that was cut off. */
const cutFurther = (lines: readonly string[], last: Any): string[] =>
  withHead(
    lines.filter(
      (line) => !line.startsWith('{"event"') || JSON.parse(line).event.sequence > last.event.sequence,
    ),
    ({ cut }) => {
      const { hash, index, proof } = last;
      cut.last = { chain: tenant, hash, index, proof, sequence: last.event.sequence };
    },
  );

test('what was cut is shown by an event of the installation, which is named under the checkpoint', async () => {
  for (const query of [ofTenant, '']) {
    const lines = await linesOf(query);
    const { code, text } = await verified(lines);
    assert.equal(code, 0, text);
    const { installation } = JSON.parse(lines[0] ?? '');
    const { rows } = await pool.query('select id from rekey.installation');
    assert.equal(installation.chain, rows[0].id);
    assert.equal(installation.proof === null, query === '', 'of everything the leaves are there');
  }
  const problems = await pool.query('select chain, problem from rekey.verify_events()');
  assert.deepEqual(
    problems.rows,
    [{ chain: tenant, problem: 'CUT_NOT_PERMITTED' }],
    'the database sees it, too',
  );
});

test('where no checkpoint names the installation yet, nothing is claimed', () => {
  for (const { code, text } of ofOlder) {
    assert.equal(code, 3, text);
    assert.match(text, /^unclaimed what allows the cut .*take a later one$/m);
    assert.match(text, /^cut by +an event of a chain that no checkpoint shows to be the installation's$/m);
    assert.doesNotMatch(text, /^problem/m);
  }
});

test('in the export of a chain no cut is believed that the installation did not record', async () => {
  const lines = await linesOf(ofTenant);
  const events = eventsIn(lines);
  const own = events.find(({ event }) => event.kind === 'audit.cut');
  const later = events.find(({ event }) => event.kind === 'test.later');
  const others = await linesOf(`?tenantId=${other}`);
  const { cut: cutOfOther } = JSON.parse(others[0] ?? '');
  const by = ({ event, hash, index, proof }: Any) => ({ event, hash, index, proof });
  const further = cutFurther(lines, later);
  for (const [what, made, code] of [
    ['further than the event says', further, 1],
    [
      "by an event in the tenant's own chain, with its path",
      withHead(further, ({ cut }) => Object.assign(cut, { by: by(own) })),
      1,
    ],
    [
      'by that, and the chain said to be the installation’s',
      withHead(further, ({ cut, installation }) => {
        cut.by = by(own);
        installation.chain = tenant;
      }),
      1,
    ],
    [
      'by that, and nothing to show whose chain it is',
      withHead(further, (head) => {
        head.cut.by = by(own);
        head.installation.chain = tenant;
        head.installation.proof = null;
      }),
      3,
    ],
    [
      'by that, and nothing said of the installation',
      withHead(further, (head) => {
        head.cut.by = by(own);
        delete head.installation;
      }),
      3,
    ],
    ["another tenant's, spliced in", withHead(lines, (head) => Object.assign(head, { cut: cutOfOther })), 1],
    [
      "another tenant's last event that is gone",
      withHead(lines, ({ cut }) => {
        cut.last = cutOfOther.last;
      }),
      1,
    ],
    ['of none that is named', withHead(lines, (head) => delete head.cut), 1],
    [
      'of a chain of which nothing was cut',
      withHead(others, (head) => Object.assign(head, { cut: JSON.parse(lines[0] ?? '').cut })),
      1,
    ],
    [
      'with the event made anew',
      withHead(further, ({ cut }) => {
        cut.by.event.payload.treeSize = forged.treeSize;
        cut.by.hash = eventHash(cut.by.event);
      }),
      1,
    ],
    [
      'with the event made anew, and no path',
      withHead(further, ({ cut }) => {
        cut.by.event.payload.treeSize = forged.treeSize;
        Object.assign(cut.by, { hash: eventHash(cut.by.event), index: null, proof: null });
      }),
      3,
    ],
    [
      'with a number that is none',
      withHead(lines, ({ cut }) => Object.assign(cut.by.event.payload, { treeSize: 1e300 })),
      1,
    ],
  ] as const) {
    const found = await verified(made);
    assert.equal(found.code, code, `${what}: ${found.text}`);
    assert.doesNotMatch(found.text, /^verified/, what);
  }
});

test('in an export of everything no cut is believed that the installation did not record', async () => {
  const lines = await linesOf('');
  const events = eventsIn(lines);
  const own = events.find(({ event }) => event.chain === tenant && event.kind === 'audit.cut');
  const later = events.filter(({ event }) => event.chain === tenant && event.sequence < own.event.sequence);
  const leaves = later.map(({ event, hash, index }) =>
    JSON.stringify({ cut: { chain: tenant, hash, sequence: event.sequence }, index }),
  );
  const gone = new Set(later.map(({ event }) => event.sequence));
  const isGone = (line: string): boolean => {
    if (!line.startsWith('{"event"')) return false;
    const { event } = JSON.parse(line);
    return event.chain === tenant && gone.has(event.sequence);
  };
  const at = lines.findIndex((line) => line.startsWith('{"event"'));
  const further = [...lines.slice(0, at), ...leaves, ...lines.slice(at)].filter((line) => !isGone(line));
  const remade = further.map((line) => {
    const read = JSON.parse(line);
    if (read.event?.kind !== 'audit.cut' || read.event.chain === tenant) return line;
    read.event.payload.treeSize = forged.treeSize;
    return JSON.stringify({ ...read, hash: eventHash(read.event) });
  });
  for (const [what, made, code] of [
    ["further, which only an event in the tenant's chain says", further, 1],
    [
      'by that, and its chain said to be the installation’s',
      withHead(further, ({ installation }) => Object.assign(installation, { chain: tenant })),
      1,
    ],
    [
      'by that, and shown by what no checkpoint covers',
      withHead(further, ({ installation }) =>
        Object.assign(installation, { chain: tenant, index: 10_000_000 }),
      ),
      3,
    ],
    [
      'by that, and nothing said of the installation',
      withHead(further, (head) => delete head.installation),
      3,
    ],
    ['with the event made anew', remade, 1],
    ['without the event', lines.filter((line) => !line.includes('"audit.cut"')), 1],
  ] as const) {
    const found = await verified(made);
    assert.equal(found.code, code, `${what}: ${found.text}`);
  }
});
