import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSweepStore, StoreError } from '@rekey/db';
import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { beginSweep } from '../harness/sweep-step.ts';

const nameOf = (database: TestDatabase): string => new URL(database.url).pathname.slice(1);

test('the sweep waits for a lock for half of the least deadlock_timeout that anybody was given here, and 50 ms at most', async (t) => {
  const database = await createTestDatabase(t);
  const name = nameOf(database);
  const role = `deadlock_${name}`;
  const pool = database.pool();
  await pool.query(`create role ${role}`);
  t.after(() => pool.query(`drop owned by ${role}; drop role ${role}`).catch(() => {}));
  const rows: ReadonlyArray<readonly [given: string, waits: string]> = [
    [`alter database ${name} set deadlock_timeout = '5s'`, '50ms'],
    [`alter role ${role} set deadlock_timeout = '30ms'`, '15ms'],
    [`alter role ${role} in database ${name} set deadlock_timeout = 10`, '5ms'],
    [`alter database ${name} set deadlock_timeout = 1`, '1ms'],
    [`alter database ${name} reset deadlock_timeout; alter role ${role} reset deadlock_timeout`, '5ms'],
    [`alter role ${role} in database ${name} set deadlock_timeout = '1min'`, '50ms'],
  ];
  for (const [given, waits] of rows) {
    await pool.query(given);
    const store = openSweepStore({ ...patient, url: database.url, max: 1, onError: () => {} });
    const { rows: found } = await store.query('show lock_timeout').finally(() => store.end());
    assert.deepEqual(found, [{ lock_timeout: waits }], given);
  }
});

test('where applications are looked at for deadlocks after 20 ms, the sweep gives way all the same and none of them is the victim', async (t) => {
  const database = await createTestDatabase(t);
  await database.pool().query(`alter database ${nameOf(database)} set deadlock_timeout = '20ms'`);
  const core = await rotationCore(t, database);
  const application = new Client({ connectionString: database.url });
  application.on('error', () => {});
  await application.connect();
  const rounds = 20;
  let gaveWay = 0;
  const {
    rows: [{ pid }],
  } = await application.query('select pg_backend_pid() as pid');
  const isWaitedFor = async (): Promise<boolean> =>
    (
      await core.pool.query(
        `select from pg_locks where not granted and $1 = any (pg_blocking_pids(pid)) limit 1`,
        [pid],
      )
    ).rowCount !== 0;
  for (const [held, wanted] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const { tenantId, ids } = await core.tenantWith(2);
    const sweep = await beginSweep(core, tenantId);
    const read = await sweep.read();
    const touch = (which: number): Promise<unknown> =>
      application.query(`update secrets set name = 'touched' where id = $1`, [ids[which]]);
    for (let round = 0; round < rounds; round += 1) {
      await application.query('begin');
      await touch(held);
      let isOver = false;
      const written = sweep.write(read).then(
        () => {},
        (error: unknown) => {
          assert.ok(
            error instanceof StoreError && ['LOCKED', 'CONFLICT'].includes(error.code),
            String(error),
          );
          gaveWay += 1;
        },
      );
      const over = written.finally(() => {
        isOver = true;
      });
      while (!isOver && !(await isWaitedFor())) await sleep(round % 4);
      // At whatever moment of the sweep's wait: at none of them may it be the application that is ended.
      await touch(wanted);
      await over;
      await application.query('rollback');
    }
  }
  await application.end();
  assert.equal(gaveWay, 2 * rounds);
});
