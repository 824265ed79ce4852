import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type Failure, listFailures, type RotationView, switchDek } from '@rekey/control';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';

const core = await rotationCore();
const { store, vault } = core;

/** A rotation that had to set `count` secrets aside, and rotated two. */
async function withFailures(
  count: number,
): Promise<{ view: RotationView; broken: string[]; tenantId: string }> {
  const { tenantId } = await core.tenantWith(2);
  const broken: string[] = [];
  for (let n = 0; n < count; n += 1) broken.push(await insertSecret(store, tenantId, 1));
  return { view: await core.startAndRotate(tenantId), broken: broken.sort(), tenantId };
}

test('what would not open is named, counted and left as it is', async () => {
  const { view, broken, tenantId } = await withFailures(3);
  assert.equal(view.status, 'completed_with_failures');
  assert.deepEqual([view.itemsRotated.secrets, view.itemsFailed.secrets], [2, 3]);
  const { failures, next } = await listFailures(store, view.id, { after: null, limit: 10 });
  assert.deepEqual(failures.map(({ recordId }) => recordId).sort(), broken);
  assert.ok(
    failures.every(({ itemType, reason }) => itemType === 'secrets' && reason === 'AUTHENTICATION_FAILED'),
  );
  assert.equal(next, null);
  const { rows } = await store.query(
    'select id from secrets where tenant_id = $1 and key_number = 1 order by id',
    [tenantId],
  );
  assert.deepEqual(
    rows.map(({ id }) => id),
    broken,
  );
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
});

test('page by page every failure comes once, whatever the limit', async () => {
  const { view, broken } = await withFailures(5);
  for (const limit of [1, 2, 4, 5, 6]) {
    const seen: Failure[] = [];
    let after: string | null = null;
    let pages = 0;
    do {
      const page: { failures: Failure[]; next: string | null } = await listFailures(store, view.id, {
        after,
        limit,
      });
      seen.push(...page.failures);
      after = page.next;
      pages += 1;
    } while (after !== null);
    assert.deepEqual(seen.map(({ recordId }) => recordId).sort(), broken);
    assert.equal(pages, Math.ceil(5 / limit), `limit ${limit}`);
  }
});

test('a cursor that is not ours begins anew, and brings nothing of another rotation', async () => {
  const { view, broken } = await withFailures(1);
  for (const after of [
    '',
    'x',
    '%%%',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('{}').toString('base64url'),
  ]) {
    const { failures } = await listFailures(store, view.id, { after, limit: 10 });
    assert.deepEqual(
      failures.map(({ recordId }) => recordId),
      broken,
      after,
    );
  }
  assert.deepEqual(await listFailures(store, randomUUID(), { after: null, limit: 10 }), {
    failures: [],
    next: null,
  });
});

test('a record that was set aside, then written or deleted before the proof, is no failure any more', async () => {
  for (const [remedy, superseded] of [
    [
      (tenantId: string, id: string) =>
        vault.put({ target: 'secrets', tenantId, id, value: Buffer.from('new') }),
      1,
    ],
    [(_: string, id: string) => store.query('delete from secrets where id = $1', [id]), 1],
  ] as const) {
    const { tenantId } = await core.tenantWith(1);
    const id = await insertSecret(store, tenantId, 1);
    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    await setAside(order.rotationId, id);
    await remedy(tenantId, id);
    const view = await core.finish(order.rotationId);
    assert.equal(view.status, 'completed');
    assert.deepEqual([view.itemsFailed.secrets, view.itemsSuperseded.secrets], [0, superseded]);
    const { failures } = await listFailures(store, view.id, { after: null, limit: 10 });
    assert.deepEqual(failures, []);
  }
});

/** What a pass of the sweep does with a record that would not open. */
async function setAside(rotationId: string, id: string): Promise<void> {
  await store.query(
    `insert into rekey.rotation_failures (rotation_id, target, record_id, reason) values ($1, 'secrets', $2, 'MALFORMED')`,
    [rotationId, id],
  );
}
