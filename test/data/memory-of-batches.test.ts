import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createReplacements, loadTargets, type Target, writeBatch } from '@rekey/data';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const [target] = (await loadTargets(core.store)).filter(({ name }) => name === 'secrets');
if (target === undefined) throw new Error('no such target');

/** A batch of one record is written under a lease that nobody has: the memory it was sent from. */
async function writeOne(on: Target, outcome: 'lost' | 'failed'): Promise<[memory: Buffer, sealed: Buffer]> {
  const sealed = randomBytes(64);
  using replacements = createReplacements(on, { identityBytes: 17, items: 1, bytes: 64 });
  replacements.addSealed(randomBytes(16), randomBytes(17), sealed);
  const { memory } = replacements;
  const lease = {
    rotationId: randomUUID(),
    target: on.name,
    ordinal: 0,
    owner: randomUUID(),
    lower: null,
    upper: null,
    cursor: null,
    planned: 1,
  };
  const batch = { tenantId: randomUUID(), newKeyNumber: 2, replacements, setAside: [], cursor: null };
  const writing = writeBatch(core.store, on, lease, batch, 'wait');
  if (outcome === 'failed') await assert.rejects(writing, { name: 'StoreError' });
  else assert.equal(await writing, null);
  assert.ok(memory.includes(sealed), 'it is the batch’s until the scope ends');
  return [memory, sealed];
}

test('the memory of a batch is given back, zeroed, where its scope ends', async () => {
  const [memory, sealed] = await writeOne(target, 'lost');
  assert.ok(!memory.includes(sealed));
});

test('the memory of a batch whose statement failed is not: it may be on its way still', async () => {
  const [memory, sealed] = await writeOne({ ...target, table: 'no_such_table' }, 'failed');
  assert.ok(memory.includes(sealed));
});
