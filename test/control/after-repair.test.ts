import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { beat } from '@rekey/control';
import { claimRange, proveRange } from '@rekey/data';
import { prepareSweep } from '@rekey/rotation';
import { pastTheTriggers } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';
import { total } from '../harness/sweep-facts.ts';
import { swap } from './damages.ts';

const core = await rotationCore();
const { store, env } = core;
const run = (sql: string): Promise<unknown> => store.query(sql.replaceAll('TABLE', 'secrets'));
const repair = (): Promise<unknown> => run(`select rekey.repair_target('TABLE')`);

test('what was out of sight for a while is accounted for at the end', async () => {
  const { tenantId, ids } = await core.tenantWith(9);
  const rotationId = await core.start(tenantId);
  // Left the older DEK by the application's own doing, which is told from a count while nothing is in doubt.
  await store.query('delete from secrets where id = any($1)', [ids.slice(0, 3)]);
  await run('alter table TABLE disable trigger rekey_fence_update_TABLE');
  await assert.rejects(core.rotateOnce(rotationId), { name: 'IntegrityTrouble' });
  const waiting = await beat(store, rotationId, 'integrity', { what: 'w', since: null, todo: 't' });
  assert.equal(waiting?.view.itemsRemaining.secrets, 9);
  await repair();
  const view = await core.finish(rotationId);
  assert.equal(view.status, 'completed');
  assert.deepEqual(
    [view.itemsRotated.secrets, view.itemsSuperseded.secrets, total(view.itemsRemaining)],
    [6, 3, 0],
  );
});

test('a repair begins the proof of a range anew that was proved in part', async () => {
  const { tenantId, ids } = await core.tenantWith(9);
  const sorted = ids.toSorted();
  const pool = core.database.pool();
  const rotationId = await core.start(tenantId);
  const prepared = await prepareSweep(env, rotationId, new AbortController().signal);
  const target = prepared?.targets.get('secrets');
  const lease = await claimRange(env.sweepStore, { rotationId, target: 'secrets', ordinal: 0 }, randomUUID());
  assert.ok(prepared !== null && target !== undefined && lease !== null);
  // As if the first four were swept; the last one will not open.
  await pastTheTriggers(pool, async (tx) => {
    await tx.query(
      `update secrets set key_number = 2, ciphertext = '\\x0100000002' || substring(ciphertext from 6) where id = any($1)`,
      [sorted.slice(0, 4)],
    );
    await tx.query('update secrets set ciphertext = substring(ciphertext from 1 for 20) where id = $1', [
      sorted.at(-1),
    ]);
  });
  assert.deepEqual(await proveRange(env.sweepStore, target, lease, 4), {
    kind: 'further',
  });
  await run(`${swap}; delete from TABLE where id in ('${sorted.slice(0, 3).join("', '")}')`);
  await repair();
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', 1]);
});
