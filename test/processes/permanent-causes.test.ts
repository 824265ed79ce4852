import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmsError } from '@rekey/kms';
import { pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { troubledKek } from '../harness/kek.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue, type SeededTenant } from '../harness/seed.ts';
import { total } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });

/** So long a rotation waits at least: nearly, and a little more. */
const patience = {
  KEK_DENIED: ['23 hours 59 minutes', '2 minutes'],
  KEK_NOT_FOUND: ['23 hours 59 minutes', '2 minutes'],
  OLD_KEY_UNUSABLE: ['20 seconds', '1 minute'],
} as const;

/** So that a test need not wait: 30 s and 10 min otherwise. */
const suspendedMs = { first: 200, max: 1_000 };

/** Rotates in vain: waits for long, then ends as failed for `reason`, before the switch, with nothing changed. */
async function fails({ tenantId }: SeededTenant, reason: keyof typeof patience): Promise<void> {
  const sql = `select id, key_number, encode(sha256(ciphertext), 'hex') from secrets where tenant_id = $1 order by id`;
  const before = await pool.query(sql, [tenantId]);
  const { body } = await rekey.rotate(tenantId);
  const { rotationId } = body.data;
  const [nearly, more] = patience[reason];
  const older = (interval: string): Promise<unknown> =>
    pool.query(
      `update rekey.rotations set started_at = started_at - $2::interval,
         phase_times = jsonb_set(phase_times, '{activating}', to_jsonb((phase_times ->> 'activating')::timestamptz - $2::interval))
       where id = $1`,
      [rotationId.slice(4), interval],
    );
  const waits = async (): Promise<boolean> => {
    const { data } = (await rekey.status(rotationId)).body;
    assert.equal(data.status, 'in_progress');
    return data.waitingFor === (reason === 'OLD_KEY_UNUSABLE' ? 'kms' : 'kek_suspended');
  };
  await until(waits, { what: 'it waits for the KMS' });
  await older(nearly);
  await sleep(1_500); // it is tried again meanwhile
  assert.equal(await waits(), true);
  await older(more);
  const ended = await rekey.ended(rotationId);
  assert.deepEqual(
    [ended.status, ended.failureReason, ended.phase, ended.waitingFor],
    ['failed', reason, 'done', null],
  );
  assert.ok(ended.percentComplete < 100);
  assert.equal(total(ended.itemsRotated), 0);
  assert.deepEqual((await pool.query(sql, [tenantId])).rows, before.rows);
  const deks = await pool.query(
    `select d.id, d.state, m.dek_id is not null as material from rekey.deks d
     left join rekey.dek_material m on m.dek_id = d.id where d.tenant_id = $1 and d.key_number in (1, 2) order by 1`,
    [tenantId],
  );
  assert.deepEqual(
    new Map(deks.rows.map(({ id, state, material }) => [id, `${state} ${material}`])),
    new Map([
      [ended.previousKeyId?.slice(4), 'active true'],
      [ended.newKeyId.slice(4), 'destroyed false'],
    ]),
  );
}

async function rotatesAgain(tenant: SeededTenant): Promise<void> {
  const { status, body } = await rekey.rotate(tenant.tenantId);
  assert.equal(status, 200);
  const ended = await rekey.ended(body.data.rotationId);
  assert.equal(ended.status, 'completed');
  assert.equal(total(ended.itemsRotated), tenant.records.length);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
}

test('KEK_DENIED ends a rotation before the switch, with nothing changed, and the tenant can rotate again', async (t) => {
  const tenant = await rekey.seedTenant(17);
  const kek = troubledKek(rekey.kek);
  await workerHere(rekey, kek, t, { suspendedMs });
  kek.trouble = () => new KmsError('DENIED', 'the KMS refuses');
  await fails(tenant, 'KEK_DENIED');
  kek.trouble = null;
  await rotatesAgain(tenant);
});

test('KEK_NOT_FOUND, when the KMS knows no such KEK, likewise', async (t) => {
  const tenant = await rekey.seedTenant(17);
  const kek = troubledKek(rekey.kek);
  await workerHere(rekey, kek, t, { suspendedMs });
  kek.trouble = () => new KmsError('NOT_FOUND', 'the KMS knows no such key');
  await fails(tenant, 'KEK_NOT_FOUND');
  kek.trouble = null;
  await rotatesAgain(tenant);
});

test('OLD_KEY_UNUSABLE, when the material of the active DEK is damaged, likewise', async () => {
  const tenant = await rekey.seedTenant(17);
  await rekey.addWorker();
  const dek = `select dek_id, wrapped from rekey.dek_material join rekey.deks on id = dek_id
    where tenant_id = $1 and state = 'active'`;
  const { rows } = await pool.query<{ dek_id: string; wrapped: Buffer }>(dek, [tenant.tenantId]);
  const [material] = rows;
  assert.ok(material);
  const overwrite = (wrapped: Buffer): Promise<void> =>
    pastTheTriggers(pool, (tx) =>
      tx.query('update rekey.dek_material set wrapped = $2 where dek_id = $1', [material.dek_id, wrapped]),
    );
  await overwrite(Buffer.concat([material.wrapped.subarray(0, 30), randomBytes(31)]));
  await fails(tenant, 'OLD_KEY_UNUSABLE');
  await overwrite(material.wrapped);
  await rotatesAgain(tenant);
});
