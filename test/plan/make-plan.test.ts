import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  type ClaimedPlan,
  claimPlan,
  findPlan,
  findPlanOf,
  forgetPlans,
  noteKmsCalls,
  notePlan,
  type PlanCheck,
  type PlanView,
  type StartPlan,
  startPlan,
} from '@rekey/control';
import { makePlan } from '@rekey/rotation';
import { damage } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, pool, env } = core;
const idle = new AbortController().signal;
const order = (tenantId: string, check: PlanCheck, given: Partial<StartPlan> = {}): StartPlan => ({
  planId: randomUUID(),
  tenantId,
  check,
  actor: { id: 'ada', name: null, email: null },
  idempotency: null,
  ...given,
});

async function begin(tenantId: string, check: PlanCheck): Promise<PlanView> {
  const started = await startPlan(store, order(tenantId, check));
  assert.equal(started.kind, 'started');
  return (started as { view: PlanView }).view;
}

/** A silence that no machine makes. */
const neverMs = 3_600_000;

async function claim(silentMs = neverMs): Promise<ClaimedPlan> {
  const claimed = await claimPlan(store, randomUUID(), silentMs);
  assert.ok(claimed !== null);
  return claimed;
}

async function made(tenantId: string, check: PlanCheck): Promise<PlanView> {
  const { id } = await begin(tenantId, check);
  assert.equal(await makePlan(env, await claim(), idle), 'done');
  return (await findPlan(store, id)) as PlanView;
}

/** All but plans, to the byte. */
const everythingElse = async (): Promise<unknown[]> => {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relkind = 'r' and relname <> 'plans'
       and relnamespace in ('rekey'::regnamespace, 'public'::regnamespace) order by 1`,
  );
  const found = [];
  for (const { name } of tables)
    found.push(
      (
        await pool.query(
          `select '${name}' as name, md5(string_agg(t::text, '' order by t::text)) as print from ${name} t`,
        )
      ).rows,
    );
  return found;
};

test('a plan counts at once, is filled in by a worker, and changes nothing but its own row', async () => {
  const { tenantId } = await core.tenantWith(120);
  const before = await everythingElse();
  const begun = await begin(tenantId, 'none');
  assert.deepEqual(begun.items, { credentials: 0, apiKeys: 0, secrets: 120 });
  assert.deepEqual(
    begun.targets.map(({ name, records, ranges }) => [name, records, ranges]),
    [
      ['api_keys', 0, 1],
      ['credentials', 0, 1],
      ['secrets', 120, 1],
    ],
  );
  assert.deepEqual([begun.status, begun.estimate], ['in_progress', null]);
  assert.equal(await makePlan(env, await claim(), idle), 'done');
  const done = (await findPlan(store, begun.id)) as PlanView;
  const { rows } = await pool.query<{ bytes: string }>(
    'select sum(octet_length(ciphertext)) as bytes from public.secrets where tenant_id = $1',
    [tenantId],
  );
  assert.equal(done.status, 'completed');
  assert.equal(done.progress?.bytes, Number(rows[0]?.bytes));
  assert.deepEqual([done.estimate?.opened, done.estimate?.kmsCalls.low], [null, 2]);
  assert.deepEqual(await everythingElse(), before);
});

test('records that will not open are found: all of them, or by a sample that says how sure it is', async () => {
  const { tenantId, ids } = await core.tenantWith(1_800);
  const [bent = '', cut = '', fine = ''] = ids;
  await damage(pool, 'public.secrets', bent, (bytes) => Buffer.from(bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1)));
  await damage(pool, 'public.secrets', cut, (bytes) => bytes.subarray(0, 20));
  const all = await made(tenantId, 'all');
  assert.deepEqual(all.estimate?.opened, {
    records: 1_800,
    notOpening: { AUTHENTICATION_FAILED: 1, MALFORMED: 1 },
    atMost: 2,
    confidence: 1,
  });
  const sample = (await made(tenantId, 'sample')).estimate?.opened;
  assert.ok(sample != null && sample.records > 800 && sample.records <= 1_500, JSON.stringify(sample));
  const found = Object.values(sample.notOpening).reduce((sum, one) => sum + one, 0);
  assert.ok(found <= 2 && sample.atMost >= 2 && sample.atMost < 60, JSON.stringify(sample));
  assert.equal(sample.confidence, 0.95);
  assert.ok((await core.vault.get({ target: 'secrets', tenantId, id: fine })) !== null);
});

test('one unfinished plan for each tenant; a key makes the same call the same plan', async () => {
  const { tenantId } = await core.tenantWith(1);
  const idempotency = { caller: 'ada', key: randomUUID(), bodyHash: Buffer.from('a') };
  const calls = await Promise.all(
    [1, 2, 3].map(() => startPlan(store, order(tenantId, 'none', { idempotency }))),
  );
  assert.deepEqual(calls.map(({ kind }) => kind).sort(), ['replayed', 'replayed', 'started']);
  assert.equal(new Set(calls.map((one) => ('view' in one ? one.view.id : ''))).size, 1);
  const other = { idempotency: { ...idempotency, bodyHash: Buffer.from('b') } };
  assert.equal((await startPlan(store, order(tenantId, 'all', other))).kind, 'mismatch');
  assert.equal((await startPlan(store, order(tenantId, 'all'))).kind, 'in_progress');
  assert.equal((await startPlan(store, order(randomUUID(), 'all'))).kind, 'tenant_not_found');
  assert.equal(await makePlan(env, await claim(), idle), 'done');
  assert.equal((await made(tenantId, 'none')).status, 'completed');
});

test('another worker goes on where one died, and what that one still writes is refused', async () => {
  const { tenantId } = await core.tenantWith(3_500);
  const { id } = await begin(tenantId, 'all');
  const first = await claim();
  assert.equal(await claimPlan(store, randomUUID(), neverMs), null, 'it is taken');
  // Killed in the midst: after so many reads its process is gone, and nothing is given back.
  let reads = 0;
  const killed = makePlan(
    {
      ...env,
      statementLimiter: {
        places: 1,
        took: () => {},
        run: (work) => {
          reads += 1;
          if (reads > 5) throw new Error('killed');
          return work();
        },
      },
    },
    first,
    idle,
  );
  await assert.rejects(killed, /killed/);
  const left = (await findPlan(store, id)) as PlanView;
  assert.equal(left.progress?.step, 'opening');
  assert.equal(left.progress?.records, 3_500);
  const second = await claim(0);
  assert.deepEqual(second.progress, left.progress);
  assert.equal(await notePlan(store, first, {}), false);
  // A step that the one before had done, but not written down, is done again and counted once.
  assert.equal(await makePlan(env, second, idle), 'done');
  const done = (await findPlan(store, id)) as PlanView;
  assert.equal(done.estimate?.opened?.records, 3_500);
  assert.equal(await makePlan(env, first, idle), 'lost');
});

test('a plan says since when a KEK is refused, also where another worker that lacks it takes turns', async () => {
  const { tenantId } = await core.tenantWith(2);
  const { id } = await begin(tenantId, 'all');
  const say = async (waitingFor: string, ofOneWorker: boolean) => {
    const waitingDetail = { what: ofOneWorker ? 'not held' : 'refused', todo: 'act', ofOneWorker };
    // As who has just claimed it.
    await store.query('update rekey.plans set owner = $2 where id = $1', [id, owner]);
    await notePlan(store, { ...plan, owner }, { waitingFor, waitingDetail, leaves: true });
    return (await findPlan(store, id))?.waitingDetail;
  };
  const owner = randomUUID();
  const plan = await claim();
  const refused = await say('kek_suspended', false);
  assert.deepEqual(Object.keys(refused ?? {}), ['what', 'since', 'todo']);
  assert.notEqual(refused?.since ?? null, null);
  assert.deepEqual(await say('kms', true), refused);
  assert.deepEqual(await say('kek_suspended', false), refused);
  await store.query(
    `update rekey.plans set waiting_detail = waiting_detail || jsonb_build_object('at', clock_timestamp() - interval '2 minutes')
     where id = $1`,
    [id],
  );
  assert.equal((await say('kms', true))?.what, 'not held');
});

test('a plan waits while a KMS is away, and is looked at again only in some seconds', async () => {
  const { tenantId } = await core.tenantWith(2);
  const { id } = await begin(tenantId, 'all');
  const waiting = await claim();
  await notePlan(store, waiting, {
    waitingFor: 'kms',
    waitingDetail: { what: 'away', todo: 'nothing' },
    leaves: true,
  });
  assert.equal((await findPlan(store, id))?.waitingFor, 'kms');
  const beat = (by: string) =>
    pool.query(`update rekey.plans set heartbeat_at = clock_timestamp() + interval '${by}' where id = $1`, [
      id,
    ]);
  // Ahead, so that five seconds are not over before it is asked, however slow this is.
  await beat('8 seconds');
  assert.equal(await claimPlan(store, randomUUID(), neverMs), null);
  await beat('-6 seconds');
  assert.equal(await makePlan(env, await claim(), idle), 'done');
  assert.equal((await findPlan(store, id))?.waitingFor, null);
});

test('a rotation is started with a plan in one transaction, once, and what it took stands beside it', async () => {
  const { tenantId } = await core.tenantWith(30);
  const other = await core.tenantWith(1);
  const plan = await made(tenantId, 'none');
  const why = async (planId: string, of = tenantId): Promise<string> => {
    const started = await core.tryToStart(of, { planId });
    return started.kind === 'unusable_plan' ? started.why : started.kind;
  };
  assert.equal(await why(randomUUID()), 'not_found');
  assert.equal(await why(plan.id, other.tenantId), 'not_found');
  const unfinished = await begin(tenantId, 'none');
  assert.equal(await why(unfinished.id), 'unfinished');
  assert.equal(await makePlan(env, await claim(), idle), 'done');
  const { rows } = await pool.query('select from rekey.rotations where tenant_id = any ($1)', [
    [tenantId, other.tenantId],
  ]);
  assert.equal(rows.length, 0, 'what cannot be used starts nothing');

  const rotationId = randomUUID();
  const started = await core.tryToStart(tenantId, { rotationId, planId: plan.id });
  assert.equal(started.kind, 'started');
  assert.equal((await core.finish(rotationId)).status, 'completed');
  await noteKmsCalls(store, new Map([[rotationId, 3]]));
  await noteKmsCalls(store, new Map([[randomUUID(), 5]]));
  const bound = await findPlanOf(store, rotationId);
  assert.equal(bound?.id, plan.id);
  assert.equal(bound?.kmsCalls, 3);
  assert.ok((bound?.walBytes ?? 0) > 0);
  assert.equal(await why(plan.id), 'used_before');
});

test('a plan is kept for thirty days and made within one', async () => {
  const { tenantId } = await core.tenantWith(1);
  const old = await made(tenantId, 'none');
  await pool.query(`update rekey.plans set started_at = started_at - interval '31 days' where id = $1`, [
    old.id,
  ]);
  assert.equal(await findPlan(store, old.id), null, 'not there, though it is not deleted yet');
  const started = await core.tryToStart(tenantId, { planId: old.id });
  assert.deepEqual(started, { kind: 'unusable_plan', why: 'not_found' });
  const stuck = await begin(tenantId, 'all');
  await pool.query(`update rekey.plans set started_at = started_at - interval '25 hours' where id = $1`, [
    stuck.id,
  ]);
  await forgetPlans(store);
  assert.equal((await findPlan(store, stuck.id))?.status, 'failed');
  const { rows } = await pool.query('select from rekey.plans where id = $1', [old.id]);
  assert.equal(rows.length, 0);
  assert.equal((await made(tenantId, 'none')).status, 'completed');
});
