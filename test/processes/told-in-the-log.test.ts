import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url });

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly rotationId?: string;
  readonly [field: string]: unknown;
}

function linesOf(rotationId: string): Line[] {
  const logs = rekey.workers.flatMap((worker) => worker.logs().split('\n'));
  return (
    logs
      .filter((line) => line.startsWith('{'))
      .map((line): Line => JSON.parse(line))
      // What the database recorded has lines of its own: event-lines.test.ts.
      .filter((line) => line.rotationId === rotationId && line.msg !== 'event')
  );
}

const told = (rotationId: string): string[] => linesOf(rotationId).map(({ level, msg }) => `${level} ${msg}`);

test('each step of a rotation is a line with its id and its tenant', async () => {
  const tenant = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await rekey.ended(rotationId);
  await until(async () => told(rotationId).length >= 4, { what: 'four lines' });
  assert.deepEqual(told(rotationId).sort(), [
    'info rotation completed',
    'info rotation drained',
    'info rotation started',
    'info rotation switched',
  ]);
  for (const line of linesOf(rotationId)) assert.equal(line.tenantId, tenant.tenantId);
});

test('a rotation that set records aside is told at warn, with its counts', async (t) => {
  const tenant = await rekey.seedTenant(17);
  const id = tenant.records.find(({ target }) => target === 'secrets')?.id;
  await pool.query(`update secrets set name = 'held' where id = $1`, [id]);
  await pool.query(`alter table secrets add constraint none_held check (name <> 'held') not valid`);
  t.after(() => pool.query('alter table secrets drop constraint none_held'));
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const ended = await rekey.ended(rotationId);
  assert.equal(ended.status, 'completed_with_failures');
  assert.deepEqual(
    (await rekey.failures(rotationId)).map(({ itemType, recordId, reason }) => [itemType, recordId, reason]),
    [['secrets', id, 'REFUSED_BY_CONSTRAINT']],
  );
  const line = await until(async () => linesOf(rotationId).find(({ level }) => level === 'warn'), {
    what: 'the line',
  });
  assert.equal(line.msg, 'rotation completed with failures');
  assert.deepEqual(line.itemsFailed, { credentials: 0, apiKeys: 0, secrets: 1 });
  assert.deepEqual(line.itemsRotated, { credentials: 5, apiKeys: 2, secrets: 9 });
});

test('a trigger of the application that is broken for a while, and a table that is gone for a while, end nothing', async () => {
  for (const [breaks, mends, waits, tells] of [
    [
      `create function public.audit() returns trigger language plpgsql as $$ begin
         insert into public.audit_log values (new.id); return new; end $$;
       create trigger audit before update on secrets for each row execute function public.audit()`,
      'drop trigger audit on secrets; drop function public.audit()',
      'database',
      /^table public\.secrets \(target secrets\)/,
    ],
    [
      'alter table secrets rename to secrets_old',
      'alter table secrets_old rename to secrets',
      'integrity', // found before the switch
      /public\.secrets/,
    ],
  ] as const) {
    const tenant = await rekey.seedTenant(17);
    await pool.query(breaks);
    const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
    const waiting = await until(
      async () => {
        const { data } = (await rekey.status(rotationId)).body;
        return data.waitingFor === waits ? data : undefined;
      },
      { what: `it waits: ${waits}` },
    );
    const { waitingDetail } = waiting as unknown as { waitingDetail: { what: string; todo: string } | null };
    assert.match(waitingDetail?.what ?? '', tells);
    const { rows } = await pool.query(
      'select count(*)::int as n from credentials where tenant_id = $1 and key_number = 2',
      [tenant.tenantId],
    );
    assert.deepEqual(rows, [{ n: waits === 'database' ? 5 : 0 }], 'other tables are swept meanwhile');
    await pool.query(mends);
    assert.equal((await rekey.ended(rotationId)).status, 'completed');
  }
});

test('a new DEK declared compromised in the midst ends the rotation; a cancel is seen and told once', async () => {
  for (const [end, status] of [
    ['compromise', 'failed'],
    ['cancel', 'cancelled'],
  ] as const) {
    const tenant = await rekey.seedTenant(34);
    const holder = await pool.connect();
    await holder.query('begin');
    await holder.query(
      'select from secrets where id = (select id from secrets where tenant_id = $1 limit 1) for update',
      [tenant.tenantId],
    );
    const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
    await until(async () => (await rekey.status(rotationId)).body.data.waitingFor === 'lock', {
      what: 'it waits for a lock',
    });
    if (end === 'compromise')
      await pool.query(
        `update rekey.deks set state = 'compromised' where tenant_id = $1 and state = 'active'`,
        [tenant.tenantId],
      );
    else await rekey.cancel(rotationId);
    await holder.query('rollback');
    holder.release();
    const ended = await rekey.ended(rotationId);
    assert.equal(ended.status, status);
    if (end === 'compromise') assert.equal(ended.failureReason, 'NEW_KEY_UNUSABLE');
    else
      await until(async () => told(rotationId).includes('info rotation was cancelled'), {
        what: 'the cancel is told',
      });
    const again = (await rekey.rotate(tenant.tenantId)).body.data.rotationId;
    assert.equal((await rekey.ended(again)).status, 'completed');
    assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  }
});
