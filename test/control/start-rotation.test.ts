import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, type IdempotencyKey, type StartedRotation, startRotation } from '@rekey/control';
import { openStore } from '@rekey/db';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, database, tryToStart } = core;

function keyed(key: string, body = 'body', caller = 'ada'): IdempotencyKey {
  return { caller, key, bodyHash: Buffer.from(body), answer: (view) => Buffer.from(JSON.stringify(view)) };
}

const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

function tally(outcomes: readonly StartedRotation[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

test('fifty calls at once start one rotation; the others are told which', async () => {
  const tenantId = await core.createTenant();
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => tryToStart(tenantId)));
  assert.deepEqual(tally(outcomes), { started: 1, in_progress: 49 });
  const started = outcomes.find(({ kind }) => kind === 'started');
  for (const outcome of outcomes) {
    if (outcome.kind === 'in_progress') {
      assert.equal(outcome.rotationId, started?.kind === 'started' ? started.view.id : '');
    }
  }
  // What did not start has left nothing behind.
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
});

test('a paused rotation stands in the way of another as a running one does', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  await store.query(`update rekey.rotations set status = 'paused' where id = $1`, [rotationId]);
  assert.deepEqual(await tryToStart(tenantId), { kind: 'in_progress', rotationId });
});

test('the database itself admits one unfinished rotation per tenant', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  const second = store.query(
    `insert into rekey.rotations (id, tenant_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion)
     select gen_random_uuid(), tenant_id, gen_random_uuid(), items_to_rotate, initiated_by, now()
     from rekey.rotations where id = $1`,
    [rotationId],
  );
  assert.equal(await sqlState(second), '23505');
});

test('an unknown tenant starts nothing, and keeps no key', async () => {
  assert.deepEqual(await tryToStart(randomUUID(), { idempotency: keyed('nobody') }), {
    kind: 'tenant_not_found',
  });
  const { rowCount } = await store.query(`select from rekey.idempotency_keys where key = 'nobody'`);
  assert.equal(rowCount, 0);
});

test('what there is to rotate is counted by item type, whatever key it stands on, then frozen', async () => {
  const { tenantId } = await core.tenantWith(4);
  for (const target of ['credentials', 'api_keys', 'api_keys']) {
    await core.vault.put({ target, tenantId, id: randomUUID(), value: Buffer.of(1), columns: { name: 'n' } });
  }
  const started = await tryToStart(tenantId);
  assert.equal(started.kind, 'started');
  const toRotate = { credentials: 1, apiKeys: 2, secrets: 4 };
  assert.deepEqual(started.kind === 'started' ? started.view.itemsToRotate : null, toRotate);
  await store.query('delete from secrets where tenant_id = $1', [tenantId]);
  const view = await core.finish(started.kind === 'started' ? started.view.id : '');
  assert.deepEqual(view.itemsToRotate, toRotate);
  assert.deepEqual(view.itemsRotated, { credentials: 1, apiKeys: 2, secrets: 0 });
  assert.deepEqual(view.itemsSuperseded, { credentials: 0, apiKeys: 0, secrets: 4 });
});

test('one idempotency key at once: one rotation, and replays that are the same to the byte', async () => {
  const tenantId = await core.createTenant();
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      tryToStart(tenantId, {
        idempotency: {
          ...keyed('at once'),
          answer: (view) =>
            Buffer.from(JSON.stringify({ n, id: view.id, text: '\u00e9 "\\u0000" \ud83d\udd11 \t' })),
        },
      }),
    ),
  );
  assert.deepEqual(tally(outcomes), { started: 1, replayed: 19 });
  const bodies = new Set(outcomes.map((outcome) => ('answer' in outcome ? `${outcome.answer}` : '')));
  assert.equal(bodies.size, 1);
});

test('a call with the key of one that is not committed yet waits for it, and replays', async (t) => {
  const tenantId = await core.createTenant();
  const blocker = await sessionsOn(database, t).begin();
  // Holds the first call between its key and its end.
  await blocker.query('lock table rekey.deks in share row exclusive mode');
  const first = tryToStart(tenantId, { idempotency: keyed('slow') });
  const second = tryToStart(tenantId, { idempotency: keyed('slow') });
  await until(async () => (await store.query(waiting)).rowCount === 2, { what: 'both calls wait' });
  await blocker.query('commit');
  assert.deepEqual(tally(await Promise.all([first, second])), { started: 1, replayed: 1 });
});

const odd: Record<string, Buffer> = {
  none: Buffer.alloc(0),
  text: Buffer.from('{"what": "\u00e9 \ud83d\udd11"}'),
  'a mark at the beginning': Buffer.from('\ufeffmarked'),
  NUL: Buffer.from('a\0b'),
  'no UTF-8': Buffer.from([0xc3, 0x28, 0xff]),
  'what looks like an encoding': Buffer.from('base64:YQ=='),
  'what looks like bytes of Postgres': Buffer.from('\\x6162'),
};

for (const [what, answer] of Object.entries(odd)) {
  test(`what a key replays is those bytes: ${what}`, async () => {
    const tenantId = await core.createTenant();
    const idempotency = { ...keyed(what), answer: () => answer };
    const first = await tryToStart(tenantId, { idempotency });
    assert.ok(first.kind === 'started');
    const again = await tryToStart(tenantId, { idempotency });
    assert.deepEqual(again, { kind: 'replayed', answer });
  });
}

test('versions that kept text are replayed, and replay what is kept now', async () => {
  const tenantId = await core.createTenant();
  const text = '{"what": "\u00e9 \ud83d\udd11"}';
  const call = { idempotency: { ...keyed('versions'), answer: () => Buffer.from(text) } };
  assert.equal((await tryToStart(tenantId, call)).kind, 'started');
  const { rows } = await store.query(`select response from rekey.idempotency_keys where key = 'versions'`);
  assert.deepEqual(rows, [{ response: text }]);
  await store.query(`update rekey.idempotency_keys set response = $1 where key = 'versions'`, [`${text}\n`]);
  const again = await tryToStart(tenantId, call);
  assert.equal(again.kind === 'replayed' && `${Buffer.from(again.answer)}`, `${text}\n`);
});

test('a replay comes after the end of the rotation too, and with another body a mismatch', async () => {
  const [tenantId, other] = [await core.createTenant(), await core.createTenant()];
  const first = await tryToStart(tenantId, { idempotency: keyed('later') });
  assert.equal(first.kind, 'started');
  if (first.kind !== 'started') return;
  await cancelRotation(store, first.view.id);
  const again = await tryToStart(tenantId, { idempotency: keyed('later') });
  assert.deepEqual(again, { kind: 'replayed', answer: first.answer });
  const mismatch = { kind: 'idempotency_mismatch' };
  assert.deepEqual(await tryToStart(tenantId, { idempotency: keyed('later', 'another body') }), mismatch);
  assert.deepEqual(await tryToStart(other, { idempotency: keyed('later', 'another tenant') }), mismatch);
  assert.equal((await tryToStart(other, { idempotency: keyed('later', 'body', 'bob') })).kind, 'started');
});

test('one key at once for two tenants starts one of them', async () => {
  const tenants = [await core.createTenant(), await core.createTenant()];
  const outcomes = await Promise.all(
    tenants.map((tenantId) => tryToStart(tenantId, { idempotency: keyed('two tenants', tenantId) })),
  );
  assert.deepEqual(tally(outcomes), { started: 1, idempotency_mismatch: 1 });
});

test('the key of a call that was turned away is free', async () => {
  const tenantId = await core.createTenant();
  const running = await core.start(tenantId);
  assert.equal((await tryToStart(tenantId, { idempotency: keyed('turned away') })).kind, 'in_progress');
  await cancelRotation(store, running);
  assert.equal((await tryToStart(tenantId, { idempotency: keyed('turned away', 'other') })).kind, 'started');
});

test('a key is forgotten after 24 hours, and honoured until then', async () => {
  const tenantId = await core.createTenant();
  const first = await tryToStart(tenantId, { idempotency: keyed('old') });
  assert.equal(first.kind, 'started');
  if (first.kind === 'started') await cancelRotation(store, first.view.id);
  const age = (interval: string): Promise<unknown> =>
    store.query(`update rekey.idempotency_keys set created_at = now() - $1::interval where key = 'old'`, [
      interval,
    ]);
  await age('23 hours 59 minutes');
  assert.equal((await tryToStart(tenantId, { idempotency: keyed('old') })).kind, 'replayed');
  await age('24 hours 1 minute');
  assert.equal((await tryToStart(tenantId, { idempotency: keyed('old') })).kind, 'started');
});

test('when the answer cannot be made nothing is kept of the call', async () => {
  const tenantId = await core.createTenant();
  const answer = (): Buffer => {
    throw new Error('cannot be rendered');
  };
  const broken = tryToStart(tenantId, { idempotency: { ...keyed('broken'), answer } });
  await assert.rejects(broken, /cannot be rendered/);
  assert.deepEqual(await core.deks(tenantId), ['1 active']);
  assert.equal((await tryToStart(tenantId, { idempotency: keyed('broken') })).kind, 'started');
});

test('a call does not read through the rotations that ever were', async (t) => {
  const tenantId = await core.createTenant();
  const own = openStore({ ...patient, url: database.url, max: 1, onError: () => {} });
  t.after(() => own.end());
  const readThrough = async (): Promise<number> => {
    await own.query('select pg_stat_force_next_flush()');
    const { rows } = await own.query<{ seq_scan: string }>(
      `select seq_scan from pg_stat_user_tables where relid = 'rekey.rotations'::regclass`,
    );
    return Number(rows[0]?.seq_scan);
  };
  const before = await readThrough();
  const started = await startRotation(own, {
    rotationId: randomUUID(),
    newDekId: randomUUID(),
    tenantId,
    initiatedBy: { id: 'ada', name: null, email: null },
    idempotency: null,
  });
  assert.equal(started.kind, 'started');
  assert.equal(await readThrough(), before);
});

test('a finished rotation never changes and is never deleted', async () => {
  const tenantId = await core.createTenant();
  const cancelled = await core.start(tenantId);
  await cancelRotation(store, cancelled);
  const completed = (await core.startAndRotate(tenantId)).id;
  for (const rotationId of [cancelled, completed]) {
    for (const change of [
      `update rekey.rotations set status = 'in_progress', phase = 'queued', completed_at = null where id = $1`,
      `update rekey.rotations set progress = null where id = $1`,
      'delete from rekey.rotations where id = $1',
    ]) {
      assert.equal(await sqlState(store.query(change, [rotationId])), 'RK005');
    }
  }
});
