import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { cutEvents } from '@rekey/control';
import { openStore } from '@rekey/db';
import { thisFile } from '../harness/cleanup.ts';
import { asRole } from '../harness/roles.ts';
import { sqlState } from '../harness/session.ts';
import { auditDesk, covered } from './audit-desk.ts';

const { api, at, exports, fetchInto, held, keepLog, outside, pool, record, tenant, tenants, verify } =
  await auditDesk({ years: 3 });
const as = (role: 'worker' | 'operator' | 'api') => {
  const store = openStore({ url: asRole(api.database.url, role), onError: () => {} });
  thisFile.after(() => store.end());
  return store;
};
const [worker, operator, apiRole] = [as('worker'), as('operator'), as('api')];
const [firstSize = 0, size = 0] = held.map((checkpoint) => checkpoint.size);
/** Past every guard, as whoever owns the schema can. */
const asOwner = async (sql: string): Promise<void> => {
  await pool.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
};
const count = async (): Promise<number> =>
  (await pool.query('select count(*)::int as n from rekey.events where kind like $1', ['test.%'])).rows[0].n;
const isSound = async (): Promise<void> =>
  assert.deepEqual((await pool.query('select * from rekey.verify_events()')).rows, []);
const cutAll = async (): Promise<number> => {
  let cut = 0;
  for (let n = await cutEvents(worker, 100); n > 0; n = await cutEvents(worker, 100)) cut += n;
  return cut;
};
const setYears = (on: typeof worker, years: number) =>
  on.query(`select rekey.change_setting('audit_retention_years', $1)`, [years]);

test('events are kept for ever until the owner of the schema says for how long', async () => {
  const before = await count();
  assert.equal(await cutAll(), 0);
  assert.equal(await sqlState(setYears(operator, 900)), '42501', 'also the first time');
  for (const store of [apiRole, operator])
    assert.equal(await sqlState(store.query('select rekey.cut_events(1)')), '42501');
  await setYears(pool as unknown as typeof worker, 2);
  assert.equal(await sqlState(setYears(operator, 1)), '42501');
  await setYears(operator, 5);
  assert.equal(await sqlState(setYears(operator, 2)), '42501', 'nor back');
  assert.equal(await cutAll(), 0, 'none is as old as that');
  assert.equal(await count(), before);
});

test('nobody cuts what is to be kept, also not the owner of the schema, whose triggers are on', async () => {
  const put = (treeSize: number, years = 5, cutTo = 0) =>
    pool.query('insert into rekey.event_cuts (tree_size, years, cut_to) values ($1, $2, $3)', [
      treeSize,
      years,
      cutTo,
    ]);
  assert.equal(await sqlState(put(firstSize)), 'RK012', 'too young');
  assert.equal(await sqlState(put(firstSize, 2)), 'RK012', 'not by the setting');
  await setYears(pool as unknown as typeof worker, 2);
  assert.equal(await sqlState(put(firstSize - 1, 2)), 'RK012', 'at no checkpoint');
  assert.equal(await sqlState(put(firstSize, 2, 10)), 'RK012', 'begun in its midst');
  for (const sql of [
    'delete from rekey.events',
    'truncate rekey.events',
    'delete from rekey.event_cuts where true',
  ])
    assert.ok(['RK010', '00000'].includes((await sqlState(pool.query(sql))) ?? '00000'), sql);
  // An event under the checkpoint that is younger than that keeps all of it.
  await asOwner(`create temp table aside as select * from rekey.events where chain = '${tenant}' and sequence = 3;
    update rekey.events set at = now() where chain = '${tenant}' and sequence = 3`);
  assert.equal(await cutAll(), 0);
  await asOwner(
    `update rekey.events e set at = a.at from aside a where (e.chain, e.sequence) = (a.chain, a.sequence)`,
  );
  await isSound();
});

test('what is older is cut off at the last checkpoint that allows it, which is an event, and the rest verifies', async () => {
  const before = await count();
  const first = await cutEvents(worker, 100);
  assert.equal(first, 100);
  await isSound();
  assert.equal((await verify(await fetchInto(exports.everything), ...outside)).code, 0, 'also half-way');
  assert.equal(await cutAll(), size - 100);
  const gone = before - (await count()) + 1;
  const { rows: leaves } = await pool.query(
    'select count(*)::int as n, count(distinct chain)::int as chains from rekey.log_leaves where index < $1 and chain is not null',
    [size],
  );
  assert.equal(gone, leaves[0].n, 'all that the checkpoint covers, and one event is new');
  await isSound();
  const { rows } = await pool.query(`select kind, payload from rekey.events where kind = 'audit.cut'`);
  assert.deepEqual(rows, [{ kind: 'audit.cut', payload: { treeSize: size, years: 2 } }]);
  for (const statement of [
    'update rekey.event_cuts set years = 9',
    'delete from rekey.event_cuts',
    'truncate rekey.event_cuts',
  ])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);
  // The log goes on.
  for (const chain of tenants) await record(chain, 'test.later', 5);
  await keepLog.append(true);
  await keepLog.checkpoint();
  const now = ['--checkpoint', at('checkpoints'), '--key', at('key.pem')];
  for (const accept of ['application/jsonl', 'text/csv']) {
    const everything = await verify(await fetchInto('', accept), ...now);
    assert.equal(everything.code, 0, everything.text);
    assert.match(
      everything.text,
      new RegExp(
        `^begins +${gone} events of ${leaves[0].chains} chains later: .* size ${size} .* 2 years$`,
        'm',
      ),
    );
    const chain = await verify(await fetchInto(`?tenantId=${tenant}`, accept), ...now);
    assert.equal(chain.code, 0, chain.text);
    assert.match(chain.text, new RegExp(`^begins +with event ${covered + 1}: `, 'm'));
    assert.match(chain.text, /^newer +0,/m);
    assert.doesNotMatch(chain.text, /^cut by/m);
    const filtered = await verify(await fetchInto(`?tenantId=${tenant}&kind=test.later`, accept), ...now);
    assert.equal(filtered.code, 0, filtered.text);
  }
  // What was held before is still good for what is left, and so is an export from before.
  assert.equal((await verify(await fetchInto(exports.everything), ...outside)).code, 0);
  const older = await verify(await fetchInto(exports.chain), ...outside);
  assert.equal(older.code, 0, older.text);
  assert.match(older.text, /^cut by +an event that no checkpoint covers yet$/m);
  const alone = await verify(await fetchInto(`?tenantId=${tenant}`));
  assert.match(alone.text, /^whole[\s\S]*^begins /m);
});

const now = ['--checkpoint', at('checkpoints'), '--key', at('key.pem')];
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
  })) {
    const { code, text } = await edited(chain, inHead(change));
    assert.equal(code, 1, `${what}: ${text}`);
  }
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
