import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setAsideReasons as published } from '@rekey/contract';
import { listFailures, type RotationView } from '@rekey/control';
import { setAsideReasons } from '@rekey/data';
import { rotate } from '@rekey/rotation';
import { damage, flipBit } from '../harness/damage.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

/** Changes the schema for one test. */
async function alter(t: TestContext, ddl: string, undo: string): Promise<void> {
  await store.query(ddl);
  t.after(() => store.query(undo));
}

/** Two of many records are marked by their names. */
async function tenantWithTwoMarked(): Promise<{ tenantId: string; ids: string[]; marked: string[] }> {
  const { tenantId, ids } = await core.tenantWith(450);
  const marked = [ids[7] ?? '', ids[301] ?? ''].sort();
  await store.query(`update secrets set name = 'marked' where id = any ($1)`, [marked]);
  return { tenantId, ids, marked };
}

async function rotated(tenantId: string): Promise<RotationView> {
  const view = await core.startAndRotate(tenantId);
  const { rows } = await store.query<{ n: number }>(
    'select count(*)::int as n from secrets where tenant_id = $1 and key_number = 2',
    [tenantId],
  );
  // What is said to be rotated is under the new DEK, neither more nor less.
  assert.equal(view.itemsRotated.secrets, rows[0]?.n);
  return view;
}

async function reasons(view: RotationView): Promise<string[][]> {
  const { failures } = await listFailures(store, view.id, { after: null, limit: 100 });
  return failures.map(({ target, recordId, reason }) => [target, recordId, reason]).sort();
}

const onMarked = (body: string): string =>
  `create function public.meddle() returns trigger language plpgsql as $$ begin
     if old.name = 'marked' and new.key_number <> old.key_number then ${body} end if; return new; end $$;
   create trigger meddle before update on secrets for each row execute function public.meddle()`;
const noTrigger = 'drop trigger meddle on secrets; drop function public.meddle()';

const refusals: ReadonlyArray<readonly [what: string, ddl: string, undo: string, reason: string]> = [
  [
    'a constraint that is not valid for them',
    `alter table secrets add constraint none_marked check (name <> 'marked') not valid`,
    'alter table secrets drop constraint none_marked',
    'REFUSED_BY_CONSTRAINT',
  ],
  [
    'a deferred constraint, checked at the commit',
    `create function public.meddle() returns trigger language plpgsql as $$ begin
       if new.name = 'marked' then raise exception 'no' using errcode = 'check_violation'; end if; return null; end $$;
     create constraint trigger meddle after update on secrets deferrable initially deferred
       for each row execute function public.meddle()`,
    noTrigger,
    'REFUSED_BY_TRIGGER',
  ],
  ['a trigger that raises', onMarked(`raise exception 'on legal hold';`), noTrigger, 'REFUSED_BY_TRIGGER'],
  [
    'a trigger that raises a code of its own',
    onMarked(`raise exception 'on legal hold' using errcode = 'LH001';`),
    noTrigger,
    'REFUSED_BY_TRIGGER',
  ],
  ['a trigger with a fault', onMarked(`new.name = 1 / 0;`), noTrigger, 'REFUSED_BY_TRIGGER'],
  ['a trigger that skips the update', onMarked('return null;'), noTrigger, 'REFUSED_BY_TRIGGER'],
  ['a trigger that keeps the old bytes', onMarked('return old;'), noTrigger, 'REFUSED_BY_TRIGGER'],
  [
    'a trigger that puts other bytes in their place',
    onMarked(`new.ciphertext = new.ciphertext || '\\x00';`),
    noTrigger,
    'REFUSED_BY_TRIGGER',
  ],
  [
    'a trigger that puts the old bytes back afterwards',
    `create function public.meddle() returns trigger language plpgsql as $$ begin
       if pg_trigger_depth() = 1 and new.name = 'marked' and new.key_number <> old.key_number then
         update secrets set ciphertext = old.ciphertext, key_number = old.key_number where id = old.id; end if;
       return null; end $$;
     create trigger meddle after update on secrets for each row execute function public.meddle()`,
    noTrigger,
    'REFUSED_BY_TRIGGER',
  ],
];

for (const [what, ddl, undo, reason] of refusals) {
  test(`${what}: those records are set aside, all others rotated`, async (t) => {
    const { tenantId, ids, marked } = await tenantWithTwoMarked();
    await alter(t, ddl, undo);
    const view = await rotated(tenantId);
    assert.deepEqual(
      [view.status, view.itemsRotated.secrets, view.itemsFailed.secrets],
      ['completed_with_failures', 448, 2],
    );
    assert.deepEqual(
      await reasons(view),
      marked.map((id) => ['secrets', id, reason]),
    );
    for (const id of [marked[0] ?? '', ids[0] ?? ''])
      assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  });
}

test('the database, the contract and the code hold the same list of reasons', async () => {
  const { rows } = await store.query<{ def: string }>(
    `select pg_get_constraintdef(oid) as def from pg_constraint where conname = 'rotation_failures_reason_check'`,
  );
  const listed = [...(rows[0]?.def ?? '').matchAll(/'([A-Z_]+)'/g)].map(([, reason]) => reason);
  assert.deepEqual(listed.sort(), setAsideReasons.toSorted());
  assert.deepEqual(published.toSorted(), setAsideReasons.toSorted());
});

test('what is locked, deadlocked or missing in a trigger is waited for, and nothing is set aside', async (t) => {
  for (const state of ['40P01', '55P03', '40001', '57014', '42P01', '42501', '53100', '08006']) {
    const { tenantId } = await tenantWithTwoMarked();
    await store.query(onMarked(`raise exception 'passes' using errcode = '${state}';`));
    const rotationId = await core.start(tenantId);
    try {
      await Promise.race([
        core.rotateOnce(rotationId).catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 1_000)),
      ]);
      const { rows } = await store.query('select from rekey.rotation_failures where rotation_id = $1', [
        rotationId,
      ]);
      assert.equal(rows.length, 0, state);
    } finally {
      await store.query(noTrigger);
    }
    const view = await core.finish(rotationId);
    assert.equal(view.status, 'completed', state);
  }
  t.diagnostic('eight codes');
});

test('a record is looked at anew before it is set aside, and the row of its DEK', async () => {
  const { tenantId, ids } = await core.tenantWith(20);
  const [bad = '', ill = ''] = ids;
  await damage(core.database.pool(), 'secrets', bad, flipBit);
  // A DEK that is at hand and wrong, as after a restore.
  const { keyring } = core.env;
  let looks = 0;
  const env = {
    ...core.env,
    keyring: {
      ...keyring,
      byNumber: async (tenant: string, number: number) => {
        const dek = await keyring.byNumber(tenant, number);
        const other = await keyring.byNumber(tenant, 2);
        return dek !== null && other !== null && number === 1 ? { ...other, keyNumber: 1 } : dek;
      },
      refresh: async (tenant: string, number: number) => {
        looks += 1;
        return keyring.refresh(tenant, number);
      },
    },
  };
  const rotationId = await core.start(tenantId);
  assert.equal(await rotate(env, rotationId, new AbortController().signal), 'done');
  const view = await core.finish(rotationId);
  assert.deepEqual(
    [view.status, view.itemsRotated.secrets, view.itemsFailed.secrets],
    ['completed_with_failures', 19, 1],
  );
  assert.equal(looks, 1, 'once in a pass');
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id: ill }), firstSecret(ill));
});
