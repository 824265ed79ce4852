import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutEvents } from '@rekey/control';
import { sqlState } from '../harness/session.ts';
import { covered } from './audit-desk.ts';
import { cutDesk } from './cut-desk.ts';

const desk = await cutDesk();
const { exports, fetchInto, firstSize, now, outside, pool, record, size, tenant, tenants, verify } = desk;
const { apiRole, asOwner, cancelledKey, checkpointNow, cutAll, isSound, operator, setYears, worker } = desk;
const count = async (): Promise<number> =>
  (await pool.query('select count(*)::int as n from rekey.events where kind like $1', ['test.%'])).rows[0].n;

test('events are kept for ever until the owner of the schema says for how long', async () => {
  const before = await count();
  assert.equal(await cutAll(), 0);
  assert.equal(await sqlState(setYears(900, operator)), '42501', 'also the first time');
  for (const store of [apiRole, operator])
    assert.equal(await sqlState(store.query('select rekey.cut_events(1)')), '42501');
  await setYears(2);
  assert.equal(await sqlState(setYears(1, operator)), '42501');
  await setYears(5, operator);
  assert.equal(await sqlState(setYears(2, operator)), '42501', 'nor back');
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
  await setYears(2);
  assert.equal(await sqlState(put(firstSize - 1, 2)), 'RK012', 'at no checkpoint');
  assert.equal(await sqlState(put(firstSize, 2, 10)), 'RK012', 'begun in its midst');
  for (const sql of ['delete from rekey.events', 'truncate rekey.events'])
    assert.equal(await sqlState(pool.query(sql)), 'RK010', sql);
  // One that says that it is older than what it covers.
  const claimed = size + 1;
  await pool.query(
    `insert into rekey.log_checkpoints (tree_size, kid, made_at, note) select $1, kid, '2000-01-01', note
     from rekey.log_checkpoints limit 1`,
    [claimed],
  );
  assert.equal(await sqlState(put(claimed, 2)), 'RK012', 'younger than its checkpoint');
  await asOwner(`delete from rekey.log_checkpoints where tree_size = ${claimed}`);
  for (const role of [worker, operator, apiRole])
    for (const sql of [
      `insert into rekey.event_cuts (tree_size, years) values (${firstSize}, 2)`,
      `update rekey.event_cuts set cut_to = tree_size`,
      `update rekey.log_checkpoints set made_at = '2000-01-01'`,
      `insert into rekey.log_checkpoints (tree_size, kid, made_at, note) values (1, '', '2000-01-01', '')`,
      'delete from rekey.events',
      `insert into rekey.settings (name, value) values ('audit_retention_years', 1)`,
    ])
      assert.equal(await sqlState(role.query(sql)), '42501', sql);
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
  const uncut = await fetchInto(exports.chain);
  // At the older checkpoint first, the later one being too young.
  await asOwner(`update rekey.log_checkpoints set made_at = now() where tree_size = ${size}`);
  assert.equal(await cutEvents(worker, 100), 100);
  await isSound();
  await checkpointNow();
  const halfway = await verify(await fetchInto(exports.everything), ...now);
  assert.equal(halfway.code, 0, halfway.text);
  await setYears(5, operator);
  assert.equal(
    await cutEvents(worker, 100),
    0,
    'what was begun does not go on where events are kept for longer',
  );
  await setYears(2);
  assert.equal(await cutAll(), firstSize - 100);
  await isSound();
  await asOwner(
    `update rekey.log_checkpoints set made_at = made_at - interval '3 years' where tree_size = ${size}`,
  );
  assert.equal(await cutAll(), 0, 'not twice within a day');
  await asOwner(`update rekey.event_cuts set cut_at = cut_at - interval '1 day'`);
  assert.equal(await cutAll(), size - firstSize);
  const { rows: found } = await pool.query(
    `select count(*)::int as n, count(distinct l.chain)::int as chains, count(e.chain)::int as left
     from rekey.log_leaves l left join rekey.events e on (e.chain, e.sequence) = (l.chain, l.sequence)
     where l.index < $1 and l.chain is not null`,
    [size],
  );
  const [{ n: gone, chains, left }] = found;
  assert.equal(left, 0, 'all that the checkpoint covers');
  const { rows: known } = await pool.query('select asked from rekey.policy_destructions where dek_id = $1', [
    cancelledKey,
  ]);
  assert.deepEqual(known, [{ asked: true }], 'no policy asks again for what somebody cancelled');
  await isSound();
  const { rows } = await pool.query(
    `select payload from rekey.events where kind = 'audit.cut' order by sequence`,
  );
  assert.deepEqual(
    rows,
    [firstSize, size].map((treeSize) => ({ payload: { treeSize, years: 2 } })),
  );
  for (const statement of [
    'update rekey.event_cuts set years = 9',
    'delete from rekey.event_cuts',
    'truncate rekey.event_cuts',
  ])
    assert.equal(await sqlState(pool.query(statement)), 'RK010', statement);
  // The log goes on.
  const [still, ...others] = tenants.toReversed();
  for (const chain of others) await record(chain, 'test.later', 5);
  await checkpointNow();
  for (const accept of ['application/jsonl', 'text/csv']) {
    const everything = await verify(await fetchInto('', accept), ...now);
    assert.equal(everything.code, 0, everything.text);
    assert.match(
      everything.text,
      new RegExp(`^begins +${gone} events of ${chains} chains later: .* size ${size} .* 2 years$`, 'm'),
    );
    const chain = await verify(await fetchInto(`?tenantId=${tenant}`, accept), ...now);
    assert.equal(chain.code, 0, chain.text);
    assert.match(chain.text, new RegExp(`^begins +with event ${covered + 1}: `, 'm'));
    assert.match(chain.text, /^newer +0,/m);
    assert.doesNotMatch(chain.text, /^cut by/m);
    const filtered = await verify(await fetchInto(`?tenantId=${tenant}&kind=test.later`, accept), ...now);
    assert.equal(filtered.code, 0, filtered.text);
  }
  // What was held before is still good for what is left, but says nothing of what allowed the cut.
  for (const older of [exports.everything, exports.chain]) {
    const { code, text } = await verify(await fetchInto(older), ...outside);
    assert.equal(code, 3, text);
    assert.match(text, /^cut by +an event that no checkpoint covers$/m);
  }
  const before = await verify(uncut, ...outside);
  assert.equal(before.code, 0, before.text);
  // Of a tenant without anything that is left its end is still shown.
  const quiet = await verify(await fetchInto(`?tenantId=${still}`), ...now);
  assert.equal(quiet.code, 0, quiet.text);
  assert.match(quiet.text, /^events +0$/m);
  const alone = await verify(await fetchInto(`?tenantId=${tenant}`));
  assert.match(alone.text, /^whole[\s\S]*^begins /m);
});
