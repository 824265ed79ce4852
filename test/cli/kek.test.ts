import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { registerKek, reportUsage } from '@rekey/control';
import { liveApi, seededTenant, token } from '../api/live-api.ts';
import { callHere } from './in-process.ts';

const api = await liveApi();
const env = { REKEY_URL: api.url, REKEY_TOKEN: token() };
const pool = api.database.pool();
const { tenantId } = await seededTenant(api.database);
const next = 'local:0123456789abcdef';
await registerKek(pool, 'lost', 'local:test');
await registerKek(pool, 'next', next);
await reportUsage(pool, {
  processId: randomUUID(),
  kind: 'worker',
  host: 'a-host',
  version: '1',
  ends: false,
  toldAll: true,
  opened: [],
  proved: ['local:test', next].map((kekId) => ({ kekId, ms: 1 })),
  latencies: {},
});

test("a tenant's KEK is chosen and given back, as the API has it", async () => {
  const chosen = await callHere(env, 'kek', 'choose', tenantId, '--kek', 'next', '--reason', 'a test');
  assert.equal(chosen.code, 0, chosen.err);
  assert.match(chosen.out, new RegExp(`^${tenantId}  next: pending\n`));
  const told = await callHere(env, 'kek', 'chosen', tenantId, '--json');
  assert.deepEqual([told.code, JSON.parse(told.out).kek], [0, 'next'], told.err);
  const back = await callHere(env, 'kek', 'choose', tenantId, '--installation');
  assert.match(back.out, /the KEK of the installation/);
  for (const words of [[], ['--kek', 'next', '--installation']])
    assert.equal((await callHere(env, 'kek', 'choose', tenantId, ...words)).code, 2, words.join(' '));
  assert.equal((await callHere(env, 'kek', 'choose', tenantId, '--kek', 'nobodys')).code, 4);
  const worded = await callHere(env, 'kek', 'choose', tenantId, '--kek', 'next', '--key', 'a-word');
  assert.notEqual(worded.code, 0);
  const stranger = { ...env, REKEY_TOKEN: token({ roles: ['security_auditor'], tenantId }) };
  assert.notEqual((await callHere(stranger, 'kek', 'choose', tenantId, '--kek', 'next')).code, 0);
});

test('a KEK is declared compromised after a question, with a reason, and goes on when nobody watches', async () => {
  const words = ['kek', 'compromise', 'lost', '--kek', 'next'];
  assert.equal((await callHere(env, ...words)).code, 2);
  assert.equal((await callHere(env, 'kek', 'compromise', 'lost', '--reason', 'x')).code, 2);
  const unasked = await callHere(env, ...words, '--reason', 'it was found elsewhere');
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  assert.match(unasked.err, /All 1 keys under lost, of all tenants, are replaced .* needs --yes/);
  assert.equal((await pool.query('select from rekey.kek_compromises')).rowCount, 0);
  const began = await callHere(env, ...words, '--reason', 'it was found elsewhere', '--yes');
  assert.equal(began.code, 0, began.err);
  assert.match(began.out, /^lost {2}rewrapping: 1 of 1 keys under it, replaced by next\n/);
  // No worker is here: the patience ends, and not the operation.
  const watched = await callHere(env, 'kek', 'compromise-wait', 'lost', '--timeout', '1s');
  assert.match(watched.err, /It goes on\. To follow it again: rekey kek compromise-wait lost/);
  assert.notEqual(watched.code, 0);
  const { rows } = await pool.query('select status from rekey.kek_compromises');
  assert.deepEqual(rows, [{ status: 'in_progress' }]);
  assert.equal((await callHere(env, 'kek', 'compromise-wait', 'nobodys')).code, 4);

  // What takes its place has to be had by all, unless it is forced.
  await registerKek(pool, 'unproved', 'local:0000000000000000');
  const unproved = ['kek', 'compromise', 'next', '--kek', 'unproved', '--reason', 'x', '--yes'];
  assert.notEqual((await callHere(env, ...unproved)).code, 0);
  const forced = await callHere(env, ...unproved, '--force');
  assert.equal(forced.code, 0, forced.err);
});
