import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainOlder, findHolders, switchDek } from '@rekey/control';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { Pool } from 'pg';
import type { TestDatabase } from '../harness/database.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

for (const how of ['fast', 'immediate'] as const) {
  test(`a prepared transaction holds its DEK over a restart of Postgres (${how})`, async (t) => {
    const cleanUps: Array<() => Promise<void>> = [];
    const postgres = await startPostgres();
    t.after(async () => {
      for (const cleanUp of cleanUps.reverse()) await cleanUp();
      await postgres.stop();
    });
    const url = await createDatabase(postgres.url, 'rekey');
    await migrate(url);
    const database: TestDatabase = {
      url,
      pool: (options) => new Pool({ connectionString: url, ...options }).on('error', () => {}),
      drop: async () => {},
    };
    const { store, kek, start, createTenant } = await rotationCore(
      { after: (cleanUp) => void cleanUps.push(cleanUp) },
      database,
    );
    const tenantId = await createTenant();
    const order = await readyToSwitch({ store, kek, start }, tenantId);

    const client = await store.connect();
    await client.query('begin');
    await client.query('select rekey.hold_dek($1)', [tenantId]);
    const written = await insertSecret(client, tenantId, 1);
    await client.query(`prepare transaction 'over a restart'`);
    client.release(true);

    assert.equal(await switchDek(store, order), 'draining');
    await postgres.restart(how, 0);
    const drained = await until(async () => ({ is: await drainOlder(store, tenantId) }), {
      what: 'Postgres answers again',
    });
    assert.equal(drained.is, false);
    assert.equal(await sqlState(insertSecret(store, tenantId, 1)), 'RK001');
    // A look ends after 200 ms, in which a busy machine may not have asked at all.
    const holders = await until(
      async () => {
        const found = await findHolders(store, tenantId);
        return found.length > 0 && found;
      },
      { what: 'who holds the older DEK is found' },
    );
    assert.deepEqual(
      holders.map(({ pid, gid }) => [pid, gid]),
      [[null, 'over a restart']],
    );
    await store.query(`commit prepared 'over a restart'`);
    assert.equal(await drainOlder(store, tenantId), true);
    assert.equal((await store.query('select from secrets where id = $1', [written])).rowCount, 1);
  });
}
