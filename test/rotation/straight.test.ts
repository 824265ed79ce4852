import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rows } from '@rekey/db';
import { rotate } from '@rekey/rotation';
import { ciphers } from '../harness/ciphers.ts';
import { damage, flipBit } from '../harness/damage.ts';
import { openAll } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const items = 900;

/** From empty values to one above what a window of small records holds, so that both ways of reading are taken. */
const textOf = (n: number): Buffer => Buffer.alloc(n % 211 === 7 ? 3_000 + n : n % 300, n);

for (const { name, skip, make } of ciphers) {
  test(`${name}: all records come under the new key, and each damaged one is named for what it is`, {
    skip,
  }, async () => {
    const tenantId = randomUUID();
    await core.vault.createTenant({ tenantId, name: 'a tenant' });
    const ids = Array.from({ length: items }, () => randomUUID());
    await core.vault.putMany({
      target: 'secrets',
      tenantId,
      records: ids.map((id, n) => ({ id, value: textOf(n), columns: { name: `record ${n}` } })),
    });
    const changes: ReadonlyArray<readonly [string, (sealed: Buffer) => Buffer]> = [
      ['AUTHENTICATION_FAILED', (sealed) => flipBit(sealed)],
      ['AUTHENTICATION_FAILED', (sealed) => flipBit(sealed, sealed.length - 1)],
      ['AUTHENTICATION_FAILED', (sealed) => flipBit(sealed, 6)],
      ['KEY_UNKNOWN', (sealed) => Buffer.concat([Buffer.of(1, 0, 0, 0, 99), sealed.subarray(5)])],
    ];
    const expected: string[] = [];
    for (const [n, [reason, change]] of changes.entries()) {
      const id = ids[50 + n * 160] ?? '';
      await damage(core.pool, 'secrets', id, change);
      expected.push(`${id} ${reason}`);
    }
    const rotationId = await core.start(tenantId);
    const env = core.environment({ cipher: make() });
    await rotate(env, rotationId, new AbortController().signal);
    const view = await core.view(rotationId);
    assert.deepEqual(
      [view.status, view.itemsRotated.secrets, view.itemsFailed.secrets],
      ['completed_with_failures', items - changes.length, changes.length],
    );
    const failures = await rows<{ record_id: string; reason: string }>(
      core.store,
      'select record_id, reason from rekey.rotation_failures where rotation_id = $1',
      [rotationId],
    );
    assert.deepEqual(
      failures.map(({ record_id, reason }) => `${record_id} ${reason}`).sort(),
      expected.toSorted(),
    );
    const opened = await openAll(core, tenantId);
    const left = await rows<{ n: string }>(
      core.store,
      'select count(*) as n from secrets where tenant_id = $1 and key_number <> 2',
      [tenantId],
    );
    assert.deepEqual(left, [{ n: String(changes.length) }]);
    const good = ids.filter((id) => !expected.some((line) => line.startsWith(id)));
    for (const id of good)
      assert.ok(opened.get(`secrets/${id}`)?.equals(textOf(ids.indexOf(id))), `record ${ids.indexOf(id)}`);
  });
}

test('what one cipher refuses by mistake, node:crypto heals: nothing is set aside', async () => {
  const [node] = ciphers;
  assert.ok(node);
  const real = node.make();
  let mistakes = 0;
  const mistaken: typeof real = {
    ...real,
    begin(order) {
      const pass = real.begin(order);
      const reencrypt: typeof pass.reencrypt = (...given) => {
        mistakes += 1;
        return mistakes % 10 === 0 ? 'AUTHENTICATION_FAILED' : pass.reencrypt(...given);
      };
      return { ...pass, reencrypt };
    },
  };
  const tenantId = randomUUID();
  await core.vault.createTenant({ tenantId, name: 'a tenant' });
  const records = Array.from({ length: 100 }, (_, n) => ({
    id: randomUUID(),
    value: textOf(n),
    columns: { name: `record ${n}` },
  }));
  await core.vault.putMany({ target: 'secrets', tenantId, records });
  const rotationId = await core.start(tenantId);
  await rotate(core.environment({ cipher: mistaken }), rotationId, new AbortController().signal);
  const view = await core.view(rotationId);
  assert.ok(mistakes >= 100);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 100]);
});

test('a pass ends its contexts however it ends', async () => {
  const [node] = ciphers;
  assert.ok(node);
  const real = node.make();
  let open = 0;
  const failing: typeof real = {
    ...real,
    begin(order) {
      const pass = real.begin(order);
      open += 1;
      return {
        ...pass,
        reencrypt: () => {
          throw new RangeError('a fault of the cipher');
        },
        end: () => {
          open -= 1;
          pass.end();
        },
      };
    },
  };
  const tenantId = randomUUID();
  await core.vault.createTenant({ tenantId, name: 'a tenant' });
  const record = { id: randomUUID(), value: Buffer.of(1), columns: { name: 'one' } };
  await core.vault.putMany({ target: 'secrets', tenantId, records: [record] });
  const rotationId = await core.start(tenantId);
  const env = core.environment({ cipher: failing });
  await assert.rejects(rotate(env, rotationId, new AbortController().signal), /a fault of the cipher/);
  assert.equal(open, 0);
  await rotate(core.environment(), rotationId, new AbortController().signal);
  assert.equal((await core.view(rotationId)).status, 'completed');
});
