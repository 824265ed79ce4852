import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBy } from '../evidence/synthetic-audit.ts';
import { auditDesk, covered } from './audit-desk.ts';
import { modes, tamperAsOwner } from './tamper-as-owner.ts';

// The owner of the schema does whatever comes to mind, anywhere under the checkpoint: `npm run audit:stress` has more of it.
const draws = Number(process.env.AUDIT_DRAWS ?? 5);
const seed = Number(process.env.AUDIT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomBy(seed);
const below = (count: number): number => Math.floor(random() * count);

const desk = await auditDesk();
const { exports, fetchInto, outside, pool, tenants, verify } = desk;
const { restore, tamper } = await tamperAsOwner(desk);

/** What becomes of a place, between the first event and the last that is covered; `a` is the tenant and `b` another one. */
const acts: Readonly<Record<string, (at: string, a: string, b: string, place: number) => string>> = {
  'another case of the actor': (at) =>
    `update tampered set actor = jsonb_set(actor, '{id}', to_jsonb(upper(actor ->> 'id') || 'x')) ${at}`,
  'a space behind the actor': (at) =>
    `update tampered set actor = jsonb_set(actor, '{id}', to_jsonb(actor ->> 'id' || ' ')) ${at}`,
  'a letter in two parts': (at) =>
    `update tampered set payload = payload || jsonb_build_object('by', U&'cafe\\0301') ${at}`,
  'a number by a hair': (at) => `update tampered set payload = '{"n": 0.1000000000000001}' ${at}`,
  'a text for a number': (at) =>
    `update tampered set payload = jsonb_build_object('n', payload ->> 'n') ${at}`,
  'a microsecond later': (at) => `update tampered set at = at + interval '1 microsecond' ${at}`,
  'another role': (at) => `update tampered set database_role = database_role || '_' ${at}`,
  'another kind': (at) => `update tampered set kind = kind || 's' ${at}`,
  'another rotation': (at) => `update tampered set rotation_id = gen_random_uuid() ${at}`,
  'another version': (at) => `update tampered set version = version + 1 ${at}`,
  'a row gone': (at) => `delete from tampered ${at}`,
  'a row twice': (at, _a, _b, place) =>
    `insert into tampered select chain, sequence, version, kind, at, actor, database_role, rotation_id, payload, previous, hash,
       ${place}.5 from tampered ${at}`,
  'a forged row': (at, _a, _b, place) =>
    `insert into tampered select chain, sequence, version, 'test.forged', at, actor, database_role, rotation_id, payload, previous,
       hash, ${place}.5 from tampered ${at}`,
  'two rows swapped': (_at, a, _b, place) =>
    `update tampered set place = ${2 * place + 1} - place where chain = '${a}' and place in (${place}, ${place + 1})`,
  'rows of two tenants exchanged': (_at, a, b, place) =>
    `update tampered set chain = case chain when '${a}' then '${b}'::uuid else '${a}'::uuid end where place = ${place}`,
  "a row moved into another tenant's chain": (at, _a, b, place) =>
    `update tampered set chain = '${b}', place = ${place}.5 ${at}`,
  'the chains of two tenants exchanged': (_at, a, b) =>
    `update tampered set chain = case chain when '${a}' then '${b}'::uuid else '${a}'::uuid end`,
  'the tail gone': (_at, a, _b, place) => `delete from tampered where chain = '${a}' and place > ${place}`,
};
const names = Object.keys(acts);
const first = below(names.length);

for (let n = 0; n < draws; n += 1) {
  const what = names[(first + n) % names.length] ?? '';
  const mode = modes[below(modes.length)] ?? 'rows';
  const one = below(tenants.length);
  const [a = '', b = ''] = [tenants[one], tenants[(one + 1 + below(tenants.length - 1)) % tenants.length]];
  const place = 1 + below(covered - 2);
  test(`by the owner of the schema: ${what} is found, with ${mode} made anew (at ${place}, seed ${seed})`, async () => {
    const act = acts[what];
    assert.ok(act);
    try {
      await tamper(act(`where chain = '${a}' and place = ${place}`, a, b, place), [a, b], mode);
      const everything = await verify(await fetchInto(exports.everything), ...outside);
      assert.equal(everything.code, 1, everything.text);
      const query = exports.chain.replace(desk.tenant, a);
      const chain = await verify(await fetchInto(query), ...outside);
      // Where the log itself lost leaves there is no proof to be had, and it says so.
      assert.ok(chain.code === 1 || (chain.code === 3 && mode === 'log'), chain.text);
      if (mode !== 'rows') {
        const { rows } = await pool.query('select * from rekey.verify_events()');
        assert.deepEqual(rows, [], 'the database does not know');
      }
    } finally {
      await restore();
    }
  });
}
