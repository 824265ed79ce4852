import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { appendLogHeads, logHeads } from '@rekey/control';
import { eventHash, headsTree } from '@rekey/evidence';
import { cutDesk } from './cut-desk.ts';

// Whoever owns the schema has events deleted and says that they were old: what says so is believed of the installation alone.

const desk = await cutDesk();
const { asOwner, checkpointNow, cutAll, fetchInto, isSound, now, pool, record, setYears } = desk;
const { keepLog, tenant, tenants, verify, worker } = desk;
const [, other = ''] = tenants;
await setYears(2);
await cutAll();
// As a version before this one signed: nothing names the installation.
await keepLog.append(true);
const heads = await logHeads(worker);
await appendLogHeads(worker, heads.length, await headsTree(heads).root());
await keepLog.checkpoint();
const older = await Promise.all(['', `?tenantId=${tenant}`].map((query) => fetchInto(query)));
const ofOlder = await Promise.all(older.map((file) => verify(file, ...now)));
await isSound();
// What a tenant's chain says of a cut is recorded with all triggers on, and signed.
const forged = { treeSize: 1_000_000, years: 2 };
await record(tenant, 'test.later', 5);
await pool.query(`select rekey.append_event($1, 'audit.cut', null, $2)`, [tenant, forged]);
await record(tenant, 'test.last', 5);
await checkpointNow();

// What an export has, to be tampered with.
// biome-ignore lint/suspicious/noExplicitAny: of any form
type Any = any;
const chain = `?tenantId=${tenant}`;
const linesOf = async (query: string): Promise<string[]> =>
  (await readFile(await fetchInto(query), 'utf8')).trimEnd().split('\n');
const verified = async (lines: readonly string[]): Promise<{ code: number; text: string }> => {
  const file = await fetchInto(chain);
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
  for (const query of [chain, '']) {
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
  const lines = await linesOf(chain);
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

const tables = ['events', 'event_cuts', 'event_chains', 'installation'] as const;
for (const table of tables) await pool.query(`create table kept_${table} as table rekey.${table}`);
const restore = () =>
  asOwner(
    tables.map((one) => `delete from rekey.${one}; insert into rekey.${one} table kept_${one}`).join(';'),
  );
const top = '(select max(tree_size) from rekey.log_checkpoints)';
const deletesAll = `delete from rekey.events e using rekey.log_leaves l where (e.chain, e.sequence) = (l.chain, l.sequence)
  and l.index < ${top} and e.kind <> 'audit.cut' and e.chain = '${tenant}'`;
/** The installation's chain with other events of cuts, and its hashes made anew. */
const recomputes = `do $$ declare e rekey.events; before bytea := null; begin
  for e in select x.* from rekey.events x join rekey.installation i on i.id = x.chain order by x.sequence loop
    e.previous := coalesce(before, e.previous);
    if e.kind = 'audit.cut' then e.payload := jsonb_build_object('treeSize', ${top}, 'years', 2); end if;
    e.hash := rekey.event_hash(e);
    before := e.hash;
    update rekey.events o set previous = e.previous, hash = e.hash, payload = e.payload
      where (o.chain, o.sequence) = (e.chain, e.sequence);
    update rekey.event_chains c set hash = e.hash where c.chain = e.chain;
  end loop; end $$`;
const cutsTo = `insert into rekey.event_cuts select ${top}, now(), 2, ${top}`;

for (const [what, sql] of Object.entries({
  "a further cut, with an event in the tenant's chain": `${cutsTo}; ${deletesAll}`,
  'a further cut, with the event and its chain made anew': `${cutsTo}; ${deletesAll}; ${recomputes}`,
  'a further cut that says nothing': deletesAll,
  'a further cut, with another chain as the installation’s': `${cutsTo}; ${deletesAll};
    update rekey.event_cuts set tree_size = ${forged.treeSize} where tree_size = ${top};
    update rekey.installation set id = '${tenant}'`,
})) {
  test(`by the owner of the schema, with triggers off: ${what} is found`, async () => {
    try {
      await asOwner(sql);
      for (const query of ['', chain]) {
        const { code, text } = await verify(await fetchInto(query), ...now);
        assert.ok(code === 1 || (code === 3 && query === chain), `${query}: ${code} ${text}`);
      }
    } finally {
      await restore();
    }
  });
}
