import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '@rekey/stack';
import { Client } from 'pg';

for (const how of ['fast', 'immediate'] as const) {
  test(`Postgres stopped ${how} comes back at the same place with what was committed`, async () => {
    const postgres = await startPostgres();
    try {
      const { pid, url } = postgres;
      await query(url, 'create table kept (value int)');
      await query(url, 'insert into kept values (7)');
      await postgres.restart(how, 50);
      assert.notEqual(postgres.pid, pid);
      assert.equal(postgres.url, url);
      assert.equal(await query(url, 'select value from kept'), 7);
    } finally {
      await postgres.stop();
    }
  });
}

async function query(url: string, text: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(text);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}
