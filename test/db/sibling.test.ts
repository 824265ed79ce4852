import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSibling, openStore } from '@rekey/db';
import { createTestDatabase } from '../harness/database.ts';

test("a sibling's connections have the settings of the store's, and what the application does to each", async (t) => {
  const database = await createTestDatabase();
  const store = openStore({
    url: database.url,
    max: 1,
    applicationName: 'an-application',
    session: { lock_timeout: 1234, statement_timeout: 54_321 },
    onError: () => {},
  });
  store.on('connect', (client) => void client.query(`set rekey.said = 'by the application'`));
  const errors: Error[] = [];
  const sibling = openSibling(store, { max: 2, min: 0, onError: (error) => errors.push(error) });
  t.after(async () => {
    await sibling.end();
    await store.end();
  });
  const held = await store.connect(); // all of its connections: the sibling does not wait for one
  const ask = `select current_setting('statement_timeout') as a, current_setting('lock_timeout') as b,
    current_setting('application_name') as c, current_setting('rekey.said') as d, pg_backend_pid() as pid`;
  const { pid, ...settings } = (await sibling.query(ask)).rows[0];
  const { pid: other, ...of } = (await held.query(ask)).rows[0];
  assert.deepEqual(settings, { a: '54321ms', b: '1234ms', c: 'an-application', d: 'by the application' });
  assert.deepEqual(settings, of);
  assert.notEqual(pid, other);
  await held.query('select pg_terminate_backend($1)', [pid]);
  held.release();
  while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 10)); // and not the process' end
  assert.equal((await sibling.query('select 1 as one')).rows[0].one, 1);
});
