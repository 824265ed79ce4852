/** The same with all triggers off, in the tables themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desk, forged, ofTenant, tenant } from './forged-cuts-desk.ts';

const { asOwner, fetchInto, now, pool, verify } = desk;
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
      for (const query of ['', ofTenant]) {
        const { code, text } = await verify(await fetchInto(query), ...now);
        assert.ok(code === 1 || (code === 3 && query === ofTenant), `${query}: ${code} ${text}`);
      }
    } finally {
      await restore();
    }
  });
}
