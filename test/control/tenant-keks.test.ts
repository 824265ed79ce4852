/** What the database holds of tenants' KEKs, whoever calls it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  type ChosenKekOutcome,
  chooseKek,
  claimKekChoices,
  findKekChoice,
  findTenantKek,
  registerKek,
  registerKekTemplate,
  reportUsage,
  settleKekChoice,
  takeUp,
  templateId,
} from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, pool } = core;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: 'asked for' };

await registerKekTemplate(store, 'customers', ['key']);
await registerKek(store, 'shared', 'local:shared');
const worker = { processId: randomUUID(), kind: 'worker', host: 'a-host', version: '1' } as const;
await reportUsage(store, {
  ...worker,
  ends: false,
  toldAll: true,
  opened: [],
  proved: [templateId('customers'), 'local:shared'].map((kekId) => ({ kekId, ms: 0 })),
  latencies: {},
});

async function choose(
  tenantId: string,
  kek: string | null,
  key?: string,
  mayShare = false,
): Promise<{ outcome: ChosenKekOutcome; choiceId: string }> {
  const choiceId = randomUUID();
  const parts = key === undefined ? {} : { key };
  const outcome = await chooseKek(store, { tenantId, choiceId, kek, parts, mayShare, ...steering });
  return { outcome, choiceId };
}
async function active(tenantId: string, key: string): Promise<void> {
  const { choiceId } = await choose(tenantId, 'customers', key);
  assert.equal(await settleKekChoice(store, choiceId, { kekId: `hcvault:${key}` }), 'active');
}
const newKekOf = async (tenantId: string): Promise<string | null> => {
  const running = await takeUp(store, await core.start(tenantId));
  return running?.kekId ?? null;
};
const storing = (dekId: string, kekId: string): Promise<string | undefined> =>
  sqlState(
    store.query('select rekey.store_material($1, $2, $3, $4)', [
      dekId,
      'hcvault:x',
      Buffer.alloc(64, 1),
      kekId,
    ]),
  );

test('a name is a template or a KEK, and what it takes is what it took', async () => {
  assert.equal(await registerKekTemplate(store, 'customers', ['key']), 'known');
  assert.equal(await registerKekTemplate(store, 'customers', ['region', 'key']), 'other_parts');
  assert.equal(await registerKekTemplate(store, 'shared', ['key']), 'other_kek');
  assert.equal(await registerKek(store, 'customers', 'local:another'), 'other_kek');
});

test('what cannot be chosen is told, and changes nothing', async () => {
  const tenantId = await core.createTenant();
  for (const [expected, ...call] of [
    ['tenant_not_found', randomUUID(), 'customers', 'a'],
    ['kek_not_found', tenantId, 'nobody', 'a'],
    ['kek_not_found', tenantId, 'shared'],
    ['parts', tenantId, 'customers'],
    ['parts', tenantId, null, 'a'],
    ['unchanged', tenantId, null],
  ] as const)
    assert.equal((await choose(...(call as [string, string | null, string?]))).outcome, expected);
  assert.equal(await findKekChoice(store, tenantId), null);
  assert.equal((await choose(tenantId, 'shared', undefined, true)).outcome, 'chosen');
});

test('the one of before is used until the next one is active; what was replaced meanwhile counts for nothing', async () => {
  const tenantId = await core.createTenant();
  await active(tenantId, 'one');
  const second = await choose(tenantId, 'customers', 'two');
  const third = await choose(tenantId, 'customers', 'three');
  assert.equal(await settleKekChoice(store, second.choiceId, { kekId: 'hcvault:two' }), null);
  assert.equal(await findTenantKek(store, 'hcvault:two'), null);
  assert.equal(
    await settleKekChoice(store, third.choiceId, { trouble: 'INVALID_URI', forGood: true }),
    'refused',
  );
  const { status, trouble, inUse } = (await findKekChoice(store, tenantId)) ?? {};
  assert.deepEqual([status, trouble, inUse?.kekId], ['refused', 'INVALID_URI', 'hcvault:one']);
  assert.equal(await newKekOf(tenantId), 'hcvault:one');
});

test("a KEK is one tenant's for ever, also when both are tried at once, and never one that is named or in use", async () => {
  const [first, second] = [await core.createTenant(), await core.createTenant()];
  const choices = await Promise.all([first, second].map((tenantId) => choose(tenantId, 'customers', 'same')));
  const states = await Promise.all(
    choices.map(({ choiceId }) => settleKekChoice(store, choiceId, { kekId: 'hcvault:same' })),
  );
  assert.deepEqual(states.sort(), ['active', 'refused']);
  const owner = (await findTenantKek(store, 'hcvault:same'))?.tenantId;
  const other = owner === first ? second : first;
  await choose(owner ?? '', null);
  for (const taken of ['hcvault:same', 'local:shared', core.kek.id]) {
    await choose(other, null);
    const { choiceId } = await choose(other, 'customers', 'same');
    assert.equal(await settleKekChoice(store, choiceId, { kekId: taken }), 'refused', taken);
    assert.equal((await findKekChoice(store, other))?.trouble, 'KEK_TAKEN');
  }
  await active(owner ?? '', 'same');
});

test("no DEK is stored under another tenant's KEK, nor under another than the tenant's own", async () => {
  const [owner, thief] = [await core.createTenant(), await core.createTenant()];
  await active(owner, 'mine');
  const stealing = await takeUp(store, await core.start(thief));
  assert.equal(await storing(stealing?.newDekId ?? '', 'hcvault:mine'), 'RK002');
  const running = await takeUp(store, await core.start(owner));
  assert.equal(running?.kekId, 'hcvault:mine');
  assert.equal(await storing(running?.newDekId ?? '', core.kek.id), 'RK002');
  assert.equal(await storing(running?.newDekId ?? '', 'hcvault:mine'), undefined);
});

test('a rewrap of all leaves the DEKs of who has a KEK of its own; one of that tenant does not', async () => {
  const [owner, other] = [await core.createTenant(), await core.createTenant()];
  await active(owner, 'kept');
  const outside = async (tenantId: string | null): Promise<Set<unknown>> => {
    const { rows } = await pool.query('select tenant_id from rekey.deks_outside($1, $2, null)', [
      'local:next',
      tenantId,
    ]);
    return new Set(rows.map(({ tenant_id }) => tenant_id));
  };
  const all = await outside(null);
  assert.deepEqual([all.has(owner), all.has(other)], [false, true]);
  assert.deepEqual(await outside(owner), new Set([owner]));
  await choose(owner, null);
  assert.equal((await outside(null)).has(owner), true);
});

test('a choice is tried by one worker at a time, and again after a while; a template in use is not forgotten', async () => {
  await pool.query(`update rekey.kek_choices set state = 'refused' where state = 'pending'`);
  const tenantId = await core.createTenant();
  const { choiceId } = await choose(tenantId, 'customers', 'later');
  const claimed = (await Promise.all([claimKekChoices(store, 8), claimKekChoices(store, 8)])).flat();
  assert.deepEqual(
    claimed.map(({ id, parts }) => [id, parts]),
    [[choiceId, { key: 'later' }]],
  );
  assert.equal(await settleKekChoice(store, choiceId, { trouble: 'DENIED', forGood: false }), 'pending');
  assert.deepEqual(await claimKekChoices(store, 8), []);
  await pool.query(`update rekey.kek_choices set tried_at = tried_at - interval '6 seconds' where id = $1`, [
    choiceId,
  ]);
  assert.equal((await claimKekChoices(store, 8)).length, 1);
  assert.equal((await choose(tenantId, 'customers', 'later')).outcome, 'unchanged');
  assert.equal((await claimKekChoices(store, 8)).length, 1, 'whoever asks again has mended something');
  const forgetting = pool.query(`select rekey.forget_kek_template('customers')`);
  assert.equal(await sqlState(forgetting), 'RK002');
});
