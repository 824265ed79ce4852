import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readCheckpoints } from '@rekey/evidence';
import { auditDesk, covered, perRound } from './audit-desk.ts';
import { bearer } from './live-api.ts';
import { modes, tamperAsOwner } from './tamper-as-owner.ts';

const { api, at, exports, fetchInto, held, keepLog, log, outside, pool, record, tenant, tenants, verify } =
  await auditDesk();

const { asOwner, restore, tamper } = await tamperAsOwner({ pool });

const middle = Math.floor(1.5 * perRound);
const tamperings: Readonly<Record<string, string>> = {
  'a changed event': `update tampered set payload = '{"n": 0}' where place = ${middle}`,
  'a changed first event': `update tampered set at = at - interval '1 day' where place = 1`,
  'a deleted event': `delete from tampered where place = ${middle}`,
  'a deleted first event': 'delete from tampered where place = 1',
  'an inserted event': `insert into tampered select chain, sequence, version, 'test.forged', at, actor, database_role, rotation_id,
    payload, previous, hash, ${middle}.5 from tampered where place = ${middle}`,
  'two that changed places': `update tampered set place = ${2 * middle + 1} - place where place in (${middle}, ${middle + 1})`,
  'two far apart that changed places': `update tampered set place = ${middle + covered - 1} - place
    where place in (${middle}, ${covered - 1})`,
  'the last one that is covered, and what came after it, gone': `delete from tampered where place >= ${covered}`,
  'most of them gone': 'delete from tampered where place > 2',
};

for (const [what, sql] of Object.entries(tamperings)) {
  for (const mode of modes) {
    test(`by the owner of the schema: ${what} is found, with ${mode} made anew`, async () => {
      try {
        await tamper(sql, [tenant], mode);
        const everything = await verify(await fetchInto(exports.everything), ...outside);
        assert.equal(everything.code, 1, everything.text);
        const chain = await verify(await fetchInto(exports.chain), ...outside);
        // Where the log itself lost leaves there is no proof to be had, and it says so.
        assert.ok(chain.code === 1 || (chain.code === 3 && mode === 'log'), chain.text);
        if (mode === 'chain') {
          assert.equal((await verify(await fetchInto(exports.chain))).code, 0, 'of itself it fits together');
          const { rowCount } = await pool.query('select * from rekey.verify_events($1)', [tenant]);
          assert.equal(rowCount, 0, 'the database does not know');
        }
        if (mode !== 'log') return;
        // And no worker puts its name to it.
        log.length = 0;
        await record(tenants[1] ?? '', 'test.after', 1);
        await keepLog.checkpoint();
        assert.equal(await readFile(at('checkpoints'), 'utf8'), await readFile(at('held'), 'utf8'));
        assert.ok(log.some((line) => line.includes('no checkpoint is signed')));
      } finally {
        await restore();
      }
    });
  }
}

test('a forged or changed event has no proof in a filtered export; that one is missing is not claimed', async () => {
  for (const [sql, code] of [
    [`update tampered set payload = '{"n": 0}' where place = ${middle}`, 1],
    [`delete from tampered where place = ${middle}`, 1], // all behind it moved
    ['select 1', 0],
  ] as const) {
    try {
      await tamper(sql, [tenant], 'chain');
      const { code: found, text } = await verify(await fetchInto(exports.filtered), ...outside);
      assert.equal(found, code, text);
    } finally {
      await restore();
    }
  }
  await asOwner(`delete from rekey.events where chain = '${tenant}' and sequence = ${middle}`);
  try {
    const { code, text } = await verify(await fetchInto(exports.filtered), ...outside);
    assert.deepEqual([code, /completeness not claimed/.test(text)], [0, true], text);
  } finally {
    await restore();
  }
});

test('what was restored is verified, and the next checkpoint follows the ones before it', async () => {
  await record(tenant, 'test.later', 3);
  await keepLog.append(true);
  await keepLog.checkpoint();
  const now = readCheckpoints(await readFile(at('checkpoints'), 'utf8'));
  assert.equal(now.length, held.length + 1);
  const { code, text } = await verify(
    await fetchInto(''),
    '--checkpoint',
    at('checkpoints'),
    '--key',
    at('key.pem'),
  );
  assert.equal(code, 0, text);
  assert.match(text, /newer +0,/);
  const listed = await api.send({ path: '/api/v1/admin/audit/checkpoints?limit=2', headers: bearer() });
  assert.deepEqual(
    listed.json.data.checkpoints.map(({ note }: { note: string }) => note),
    now
      .slice(-2)
      .reverse()
      .map(({ note }) => note),
  );
  const before = await api.send({
    path: `/api/v1/admin/audit/checkpoints?before=${now.at(-1)?.size}`,
    headers: bearer({ roles: ['security_auditor'], tenantId: tenant }),
  });
  assert.equal(before.json.data.checkpoints.length, held.length);
  await keepLog.checkpoint();
  assert.equal(
    readCheckpoints(await readFile(at('checkpoints'), 'utf8')).length,
    now.length,
    'nothing is new',
  );
});
