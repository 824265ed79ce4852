import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventHash } from '@rekey/evidence';
import { covered } from './audit-desk.ts';
import { cutDesk } from './cut-desk.ts';

const desk = await cutDesk();
const {
  asOwner,
  checkpointNow,
  cutAll,
  fetchInto,
  isSound,
  now,
  pool,
  record,
  setYears,
  size,
  tenant,
  verify,
} = desk;
await setYears(2);
assert.equal(await cutAll(), size);
await record(tenant, 'test.later', 5);
await checkpointNow();
await isSound();

const edited = async (query: string, edit: (lines: string[]) => string[]) => {
  const file = await fetchInto(query);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, edit(lines).join('\n'));
  return verify(file, ...now);
};

test('in an export what is said of a cut is held against the log', async () => {
  const chain = `?tenantId=${tenant}`;
  // What an export's first line has, to be tampered with.
  // biome-ignore lint/suspicious/noExplicitAny: of any form
  type Head = any;
  const inHead = (change: (head: Head) => void) => (lines: string[]) => {
    const head = JSON.parse(lines[0] ?? '');
    change(head);
    return [JSON.stringify(head), ...lines.slice(1)];
  };
  const invent = (by: Head, change: object) => {
    Object.assign(by.event, change);
    Object.assign(by, { hash: eventHash(by.event), index: null, proof: null });
  };
  for (const [what, change] of Object.entries({
    'a later beginning': (head: Head) => {
      head.cut.last.sequence += 1;
    },
    'another hash': (head: Head) => {
      head.cut.last.hash = '0'.repeat(64);
    },
    'another place': (head: Head) => {
      head.cut.last.index += 1;
    },
    'no cut': (head: Head) => {
      delete head.cut;
    },
    'another event': (head: Head) => {
      head.cut.by.event.payload.treeSize += 1_000;
    },
    'an event that is none of a cut': (head: Head) => {
      head.cut.by.event.kind = 'audit.made';
    },
    'no proof': (head: Head) => {
      head.cut.last.proof = null;
    },
    'no head': (head: Head) => {
      head.head = null;
    },
  })) {
    const { code, text } = await edited(chain, inHead(change));
    assert.equal(code, 1, `${what}: ${text}`);
  }
  const invented = await edited(
    chain,
    inHead((head) => invent(head.cut.by, { at: '2020-01-01T00:00:00.000000Z' })),
  );
  assert.equal(invented.code, 3, `what is under no checkpoint allows nothing: ${invented.text}`);
  // One that is really there, with its path, as whoever may read the audit gets it: with all before it left out.
  const shown = await readFile(await fetchInto(`${chain}&kind=test.later`), 'utf8');
  const { event: later, hash, index, proof } = JSON.parse(shown.split('\n')[1] ?? '');
  const isLeft = (line: string): boolean =>
    !line.startsWith('{"event"') || JSON.parse(line).event.sequence > later.sequence;
  const { code, text } = await edited(chain, (lines) => {
    const left = lines.filter(isLeft);
    const events = left.filter((line) => line.startsWith('{"event"')).length;
    const begun = inHead((head) => {
      head.cut.last = { chain: tenant, hash, index, proof, sequence: later.sequence };
    })(left);
    return begun.with(-2, JSON.stringify({ end: true, events }));
  });
  assert.equal(code, 1, text);
  assert.match(text, new RegExp(`^problem +CUT_NOT_PERMITTED at ${index}: `, 'm'));
  assert.equal(text.match(/^problem /gm)?.length, 1, text);
  for (const [what, edit] of Object.entries({
    'a leaf that is left out': (lines: string[]) => lines.toSpliced(5, 1),
    'two that changed places': (lines: string[]) => lines.with(5, lines[6] ?? '').with(6, lines[5] ?? ''),
    'an event that is made a leaf': (lines: string[]) => {
      const n = lines.findIndex((line) => line.startsWith('{"event"'));
      const { event, hash, index } = JSON.parse(lines[n] ?? '');
      const leaf = JSON.stringify({ cut: { chain: event.chain, hash, sequence: event.sequence }, index });
      return [
        ...lines.slice(0, n),
        leaf,
        ...lines.slice(n + 1, -2),
        lines.at(-2)?.replace(/\d+/, (all) => `${Number(all) - 1}`) ?? '',
        '',
      ];
    },
  })) {
    const { code, text } = await edited('', edit);
    assert.equal(code, 1, `${what}: ${text}`);
  }
});

test('by the owner of the schema: what goes beyond a cut is found', async () => {
  const tables = ['events', 'event_cuts', 'event_chains'] as const;
  for (const table of tables) await pool.query(`create table kept_${table} as table rekey.${table}`);
  const restore = () =>
    asOwner(
      tables.map((one) => `delete from rekey.${one}; insert into rekey.${one} table kept_${one}`).join(';'),
    );
  for (const [what, sql] of Object.entries({
    'one more event cut': `delete from rekey.events e where (e.chain, e.sequence) in
      (select chain, min(sequence) from rekey.events where chain = '${tenant}' group by chain)`,
    'one in the midst cut': `delete from rekey.events where chain = '${tenant}' and sequence = ${covered + 3}`,
    'a cut without its event': `delete from rekey.events where kind = 'audit.cut'`,
    'a cut that went on by itself': `
      insert into rekey.event_cuts select max(tree_size), now(), 2, max(tree_size) from rekey.log_checkpoints;
      delete from rekey.events e using rekey.log_leaves l where (e.chain, e.sequence) = (l.chain, l.sequence)
        and l.index < (select max(tree_size) from rekey.log_checkpoints) and e.kind <> 'audit.cut'`,
    'an event that is changed': `update rekey.events set payload = '{"n": 99}' where chain = '${tenant}'
      and sequence = ${covered + 4}`,
  })) {
    await asOwner(sql);
    const { rows } = await pool.query('select * from rekey.verify_events()');
    assert.ok(rows.length > 0, `in the database: ${what}`);
    const { code, text } = await verify(await fetchInto(''), ...now);
    assert.equal(code, 1, `${what}: ${text}`);
    await restore();
    await isSound();
  }
});
