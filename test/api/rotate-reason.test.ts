import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { emptyTenant, liveApi, rotateCall } from './live-api.ts';

const api = await liveApi();
const pool = api.database.pool();

const tenant = (): Promise<string> => emptyTenant(api.database);
const rotate = (tenantId: string, body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api.send(rotateCall(tenantId, { headers, body: { tenantId, ...body } }));

async function requested(tenantId: string): Promise<unknown[]> {
  const { rows } = await pool.query<{ payload: { reason?: string } }>(
    `select payload from rekey.events where chain = $1 and kind = 'rotation.requested'`,
    [tenantId],
  );
  return rows.map(({ payload }) => payload.reason);
}

test('the reason of a rotation is kept with its event, with a key and without', async () => {
  for (const headers of [{}, { 'idempotency-key': randomUUID() }]) {
    const tenantId = await tenant();
    const answer = await rotate(tenantId, { reason: 'a laptop was lost – Δ' }, headers);
    assert.equal(answer.status, 200);
    assert.ok(!('reason' in answer.json.data), 'the answer has the shape that it always had');
    assert.deepEqual(await requested(tenantId), ['a laptop was lost – Δ']);
  }
});

test('a rotation without a reason has none, whatever the call before it on the same connection said', async () => {
  for (let calls = 0; calls < 12; calls += 1) {
    const tenantId = await tenant();
    await rotate(tenantId, calls % 2 === 0 ? { reason: 'said once' } : {});
    assert.deepEqual(await requested(tenantId), calls % 2 === 0 ? ['said once'] : [undefined]);
  }
});

test('another reason is another call to an idempotency key; the same one is replayed', async () => {
  const tenantId = await tenant();
  const key = { 'idempotency-key': randomUUID() };
  const first = await rotate(tenantId, { reason: 'one' }, key);
  const again = await rotate(tenantId, { reason: 'one' }, key);
  assert.deepEqual([again.status, again.text], [200, first.text]);
  for (const other of [{ reason: 'two' }, {}])
    assert.equal((await rotate(tenantId, other, key)).json.error.code, 'IDEMPOTENCY_KEY_REUSED');
  assert.deepEqual(await requested(tenantId), ['one']);
});

test('what cannot be kept as it was given is refused', async () => {
  const tenantId = await tenant();
  for (const reason of ['', 'x'.repeat(501), 'a\nb', '\u0000', '\ud800', 7, null])
    assert.equal((await rotate(tenantId, { reason })).status, 400, JSON.stringify(reason));
  assert.deepEqual(await requested(tenantId), []);
});
