/** A sweep yields to an application's quick statements, says so, and takes what it can again once they are over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { thisFile } from '../harness/cleanup.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';

// Its own: the load of a server is that of all who are on it.
const server = await startPostgres({ settings: { fsync: 'off', shared_buffers: '64MB' } });
thisFile.after(() => server.stop());
const databaseUrl = await createDatabase(server.url, 'rekey_load');
await migrate(databaseUrl);

type Throttled = StatusData & { readonly throttledBy: { signal: string; detail: string } | null };

test('statements that are seldom met by a look slow a sweep, by what they take together', async (t) => {
  const rekey = await installation(
    {
      databaseUrl,
      workerEnv: { THROTTLE: 'on', THROTTLE_SESSIONS: '1', ITEMS_PER_SECOND_MAX: '400' },
    },
    t,
  );
  const tenant = await rekey.seedTenant(8_500);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const throttledBy = async () => ((await rekey.status(rotationId)).body.data as Throttled).throttledBy;
  await until(async () => (await rekey.status(rotationId)).body.data.phase === 'sweeping', {
    what: 'it sweeps',
  });
  assert.equal(await throttledBy(), null);

  const shop = openStore({
    ...patient,
    url: databaseUrl,
    max: 8,
    applicationName: 'shop',
    onError: () => {},
  });
  t.after(() => shop.end());
  let isOpen = true;
  const customers = Array.from({ length: 8 }, async () => {
    while (isOpen) await shop.query('select pg_sleep(0.003)');
  });
  const told = await until(throttledBy, { what: 'it yields' });
  assert.equal(told.signal, 'load');
  assert.match(
    told.detail,
    /^applications have \d\.\d\d statements under way on average; below 1 the sweep takes/,
  );
  isOpen = false;
  await Promise.all(customers);
  await until(async () => (await throttledBy()) === null, { what: 'it takes what it can again' });
  assert.equal((await rekey.cancel(rotationId)).status, 200);
});
