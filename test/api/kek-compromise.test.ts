import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { replaceCompromised } from '@rekey/commands';
import { leadKekCompromises, registerKek, reportUsage } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createLogger } from '@rekey/runtime';
import { replaceAllCompromised } from '@rekey/worker';
import { thisFile } from '../harness/cleanup.ts';
import { pastTheTriggers } from '../harness/damage.ts';
import { patient } from '../harness/patient.ts';
import { checkError } from './check-error.ts';
import { type Answer, bearer, liveApi, seededTenant } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();
const store = openStore({ ...patient, url: api.database.url, onError: () => {} });
thisFile.after(() => store.end());
const mine = await seededTenant(api.database);
await seededTenant(api.database);
const [oldKek, newKek, thirdKek] = ['local:test', 'local:0123456789abcdef', 'local:fedcba9876543210'];
for (const [name, id] of [
  ['lost', oldKek],
  ['next', newKek],
  ['third', thirdKek],
] as const)
  await registerKek(pool, name, id);
const tell = (processId: string, kekIds: readonly string[]): Promise<void> =>
  reportUsage(pool, {
    processId,
    kind: 'worker',
    host: 'a-host',
    version: '1',
    ends: false,
    toldAll: true,
    opened: [],
    proved: kekIds.map((kekId) => ({ kekId, ms: 1 })),
    latencies: {},
  });
const worker = randomUUID();

const compromise = (body: unknown, claims: Record<string, unknown> = {}, kek = 'lost'): Promise<Answer> =>
  api.send({ method: 'POST', path: `/api/v1/admin/keks/${kek}/compromise`, body, headers: bearer(claims) });
const stands = (claims: Record<string, unknown> = {}): Promise<Answer> =>
  api.send({ path: '/api/v1/admin/keks/lost/compromise', headers: bearer(claims) });
const order = { kek: 'next', reason: 'it was found elsewhere' };
const withKey = (key: string, body: unknown, kek = 'lost'): Promise<Answer> =>
  api.send({
    method: 'POST',
    path: `/api/v1/admin/keks/${kek}/compromise`,
    body,
    headers: { ...bearer(), 'idempotency-key': key },
  });

test('only super_admin declares a KEK compromised, and who may act on all tenants sees how far it is', async () => {
  await tell(worker, [oldKek]);
  for (const role of ['security_admin', 'security_operator', 'security_auditor'])
    for (const tenantId of [mine.tenantId, '*'])
      checkError(await compromise(order, { roles: [role], tenantId }), 'INSUFFICIENT_PERMISSIONS', role);
  checkError(await stands(), 'KEK_NOT_FOUND');
  checkError(await compromise(order, {}, 'unknown'), 'KEK_NOT_FOUND');
  checkError(await compromise({ ...order, kek: 'unknown' }), 'KEK_NOT_FOUND');
  checkError(await compromise({ kek: 'next' }), 'INVALID_REQUEST');
  checkError(await compromise(order), 'REWRAP_REFUSED');
  const lacking = await compromise(order);
  checkError(lacking, 'REWRAP_REFUSED');
  assert.match(lacking.text, /a-host/);
  assert.deepEqual((await pool.query('select from rekey.kek_compromises')).rowCount, 0);
});

test('it begins at once, takes the place of rewraps, is begun once, and only workers end it', async () => {
  await tell(worker, [oldKek, newKek, thirdKek]);
  const rewrap = await api.send({
    method: 'POST',
    path: '/api/v1/admin/kek/rewrap',
    body: { all: true, kek: 'third' },
    headers: bearer(),
  });
  assert.equal(rewrap.status, 200, rewrap.text);
  const began = await compromise(order);
  assert.equal(began.status, 200, began.text);
  const { compromiseId, ...data } = began.json.data;
  assert.deepEqual(
    [data.status, data.phase, data.keysTotal, data.keysUnder, data.keysInUse, data.replacedBy],
    ['in_progress', 'rewrapping', 2, 2, 2, 'next'],
  );
  const again = await compromise({ ...order, reason: 'again' });
  assert.equal(again.json.data.compromiseId, compromiseId);
  checkError(await compromise({ ...order, kek: 'third' }), 'REWRAP_REFUSED');
  const { rows: rewraps } = await pool.query(
    'select status, kek_name, from_kek_id, deks::integer from rekey.rewraps order by started_at',
  );
  assert.deepEqual(rewraps, [
    { status: 'cancelled', kek_name: 'third', from_kek_id: null, deks: 2 },
    { status: 'in_progress', kek_name: 'next', from_kek_id: oldKek, deks: 2 },
  ]);
  for (const role of ['security_admin', 'security_auditor']) {
    assert.equal((await stands({ roles: [role], tenantId: '*' })).status, 200, role);
    checkError(await stands({ roles: [role], tenantId: mine.tenantId }), 'KEK_NOT_FOUND', role);
  }
  checkError(await stands({ roles: ['security_operator'], tenantId: '*' }), 'INSUFFICIENT_PERMISSIONS');

  const refused = { code: 'RK002' };
  await assert.rejects(
    pool.query(`update rekey.kek_compromises set status = 'completed', completed_at = now()`),
    refused,
  );
  await assert.rejects(pool.query(`update rekey.kek_compromises set kek_id = 'local:another'`), refused);
  await assert.rejects(pool.query('delete from rekey.kek_compromises'), refused);
  await assert.rejects(pool.query('delete from rekey.kek_compromise_deks'), refused);
  await assert.rejects(pool.query('truncate rekey.kek_compromise_deks'), refused);
  for (const name of ['lost', 'next'])
    await assert.rejects(pool.query('select rekey.forget_kek($1)', [name]), refused, name);
  await pool.query('select * from rekey.lead_kek_compromises(100)'); // a worker rewraps first
  assert.equal((await stands()).json.data.status, 'in_progress');
});

test('a call that is repeated with its key names the same operation, also after its end; with another body it is refused', async () => {
  await tell(worker, [oldKek, newKek, thirdKek]);
  const began = await withKey('a-key', order, 'third');
  assert.equal(began.status, 200, began.text);
  const { compromiseId } = began.json.data;
  assert.equal(began.json.data.forced, false);
  const again = await withKey('a-key', order, 'third');
  assert.equal(again.json.data.compromiseId, compromiseId);
  checkError(await withKey('a-key', { ...order, reason: 'other' }, 'third'), 'IDEMPOTENCY_KEY_REUSED');
  checkError(await withKey('a-key', order), 'IDEMPOTENCY_KEY_REUSED', 'of another KEK');
  await pool.query(
    `update rekey.rewraps set status = 'cancelled', completed_at = now() where completed_at is null`,
  );
  await pool.query('select * from rekey.lead_kek_compromises(100)'); // nothing was under it
  const ended = await withKey('a-key', order, 'third');
  assert.deepEqual([ended.json.data.compromiseId, ended.json.data.status], [compromiseId, 'completed']);
  // Another key is another call.
  const next = await withKey('another-key', order, 'third');
  assert.notEqual(next.json.data.compromiseId, compromiseId);
});

test('with force it begins though a process lacks the other KEK, and says so with the event; the rotations pass over it too', async () => {
  await registerKek(pool, 'fourth', 'local:4444444444444444');
  await registerKek(pool, 'fifth', 'local:5555555555555555');
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update rekey.dek_material set kek_id = 'local:4444444444444444'`),
  );
  const body = { kek: 'fifth', reason: 'it was found elsewhere' };
  checkError(await compromise(body, {}, 'fourth'), 'REWRAP_REFUSED');
  for (const role of ['security_admin', 'security_operator'])
    checkError(
      await compromise({ ...body, force: true }, { roles: [role], tenantId: '*' }, 'fourth'),
      'INSUFFICIENT_PERMISSIONS',
      role,
    );
  const began = await compromise({ ...body, force: true }, {}, 'fourth');
  assert.equal(began.status, 200, began.text);
  assert.equal(began.json.data.forced, true);
  const { rows: rewraps } = await pool.query(`select forced from rekey.rewraps where kek_name = 'fifth'`);
  assert.deepEqual(rewraps, [{ forced: true }]);
  const { rows: events } = await pool.query(
    `select payload ->> 'forced' as forced from rekey.events where kind = 'kek.compromised' order by sequence desc limit 1`,
  );
  assert.deepEqual(events, [{ forced: 'true' }]);

  // Once a worker has brought them over, rotations under that KEK begin whoever lacks it.
  await pastTheTriggers(pool, async (tx) => {
    await tx.query(`update rekey.dek_material set kek_id = 'local:5555555555555555'`);
    await tx.query(
      `update rekey.rewraps set status = 'cancelled', completed_at = now() where completed_at is null`,
    );
  });
  const [next] = (await leadKekCompromises(store, 100)).filter(({ kekName }) => kekName === 'fifth');
  assert.equal(next?.forced, true);
  const ticketQueue = { enqueue: async () => {} };
  assert.equal(
    (await replaceCompromised({ store, ticketQueue } as never, { ...next, forced: false } as never)).kind,
    'kek_lacking',
  );
  assert.equal((await replaceCompromised({ store, ticketQueue } as never, next as never)).kind, 'started');

  // One that somebody has holds up none of the others.
  await pool.query(
    `select rekey.cancel_rotation(id) from rekey.rotations where status in ('in_progress', 'paused')`,
  );
  const left = (await leadKekCompromises(store, 100)).filter(({ kekName }) => kekName === 'fifth');
  assert.equal(left.length, 2);
  const [held, free] = left;
  const client = await pool.connect();
  const hasty = openStore({
    ...patient,
    url: api.database.url,
    session: { lock_timeout: 500 },
    onError: () => {},
  });
  try {
    await client.query('begin');
    await client.query('select from rekey.tenants where id = $1 for update', [held?.tenantId]);
    const log: string[] = [];
    await replaceAllCompromised({
      store: hasty,
      ticketQueue,
      logger: createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) }),
      signal: new AbortController().signal,
    } as never);
    const { rows: begun } = await pool.query(
      `select tenant_id from rekey.rotations where status = 'in_progress' and compromise`,
    );
    assert.deepEqual(begun, [{ tenant_id: free?.tenantId }]);
    assert.match(log.join('\n'), /"reason":"locked".*not replaced yet/);
  } finally {
    await client.query('rollback');
    client.release();
    await hasty.end();
  }
});

test('a KEK that is or was compromised is refused as a goal, whoever names it for what, and with the reason', async () => {
  await registerKek(pool, 'burnt', 'local:6666666666666666');
  await tell(worker, [oldKek, newKek, thirdKek, 'local:5555555555555555', 'local:6666666666666666']);
  const began = await compromise(order, {}, 'burnt');
  assert.equal(began.status, 200, began.text);
  const { tenantId } = await seededTenant(api.database);
  const rotate = { method: 'POST', path: '/api/v1/admin/dek/rotate' } as const;
  const headers = { ...bearer(), 'x-tenantid': tenantId };
  const choice = { method: 'PUT', path: `/api/v1/admin/tenants/${tenantId}/kek` } as const;
  const rewrap = { method: 'POST', path: '/api/v1/admin/kek/rewrap' } as const;
  const calls = [
    ['KEK_REFUSED', { ...rotate, headers, body: { tenantId, kek: 'burnt' } }],
    ['KEK_REFUSED', { ...rotate, headers, body: { tenantId, kek: 'burnt', compromise: true } }],
    ['KEK_REFUSED', { ...choice, headers: bearer(), body: { kek: 'burnt' } }],
  ] as const;
  const forced = { tenantId, kek: 'burnt', force: true, reason: 'as it is' };
  // While it is emptied, by force neither.
  for (const [code, call] of [
    ...calls,
    ['REWRAP_REFUSED', { ...rewrap, headers: bearer(), body: { tenantId, kek: 'burnt' } }],
    ['REWRAP_REFUSED', { ...rewrap, headers: bearer(), body: forced }],
  ] as const) {
    await pool.query(
      `update rekey.rewraps set status = 'cancelled', completed_at = now() where completed_at is null`,
    );
    const refused = await api.send(call);
    checkError(refused, code);
    assert.match(refused.text, /declared compromised/);
  }
  checkError(await compromise({ ...order, kek: 'burnt', force: true }, {}, 'third'), 'REWRAP_REFUSED');
  const { rowCount } = await pool.query('select from rekey.rotations where tenant_id = $1', [tenantId]);
  assert.equal(rowCount, 0, 'nothing has begun');
  await pool.query('select * from rekey.lead_kek_compromises(100)'); // nothing was under it
  assert.equal(
    (await api.send({ path: '/api/v1/admin/keks/burnt/compromise', headers: bearer() })).json.data.status,
    'completed',
  );
  for (const [code, call] of calls) checkError(await api.send(call), code);
});
