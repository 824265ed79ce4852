import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  createDatabase,
  dropDatabase,
  type Server,
  startPostgres,
  startRedis,
  startServers,
} from '@rekey/stack';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { isAlive } from './parent.ts';

let postgres: Server;
let redis: Server;

before(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
});
after(async () => {
  await Promise.all([postgres.stop(), redis.stop()]);
});

test('two at once do not collide, and stop leaves nothing of one and all of the other', async () => {
  const second = await startServers({});
  assert.deepEqual(second.embedded, { postgres: true, redis: true });
  assert.notEqual(new URL(second.databaseUrl).port, new URL(postgres.url).port);
  assert.notEqual(new URL(second.redisUrl).port, new URL(redis.url).port);
  await second.stop();
  await second.stop();
  await assert.rejects(select(second.databaseUrl, 'select 1'), /ECONNREFUSED/);
  assert.equal(await select(postgres.url, 'select 1 as value'), 1);
});

test('given servers are used and not stopped', async () => {
  const servers = await startServers({ DATABASE_URL: postgres.url, REDIS_URL: redis.url });
  assert.equal(servers.databaseUrl, postgres.url);
  assert.equal(servers.redisUrl, redis.url);
  assert.deepEqual(servers.embedded, { postgres: false, redis: false });
  await servers.stop();
  assert.ok(isAlive(postgres.pid) && isAlive(redis.pid));
});

test('an empty variable is one that is not set', async () => {
  const servers = await startServers({ DATABASE_URL: postgres.url, REDIS_URL: '' });
  assert.deepEqual(servers.embedded, { postgres: false, redis: true });
  await servers.stop();
});

test('Postgres is durable and refuses who does not know the password of this run', async () => {
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
    assert.equal(await select(postgres.url, `select current_setting('${setting}') as value`), 'on');
  const stranger = new URL(postgres.url);
  stranger.password = 'guess';
  await assert.rejects(select(stranger.href, 'select 1'), { code: '28P01' });
});

test('Redis never evicts, and refuses who does not know the password of this run', async () => {
  assert.deepEqual(await config(redis.url, 'maxmemory-policy'), ['maxmemory-policy', 'noeviction']);
  const stranger = new URL(redis.url);
  stranger.password = 'guess';
  await assert.rejects(config(stranger.href, 'port'), /WRONGPASS|NOAUTH/);
});

test('nobody else may look into the data', () => {
  assert.equal(statSync(`${postgres.folder}/data`).mode & 0o077, 0);
  assert.equal(statSync(`${redis.folder}/redis.conf`).mode & 0o077, 0);
  assert.ok(!existsSync(`${postgres.folder}/password`));
});

test('a Redis that was killed comes back at its place, empty', async () => {
  const first = await startRedis();
  process.kill(first.pid, 'SIGKILL');
  await first.stop();
  const second = await startRedis({ at: first.url });
  assert.equal(second.url, first.url);
  assert.deepEqual(await config(second.url, 'appendonly'), ['appendonly', 'no']);
  await second.stop();
});

test('a database is copied from its template, whatever its name, and dropped under its users', async () => {
  const template = await createDatabase(postgres.url, 'a "template"');
  await select(template, 'create table kept as select 7 as value');
  const copy = await createDatabase(postgres.url, 'A "copy"', { template: 'a "template"' });
  assert.equal(await select(copy, 'select value from kept'), 7);

  const user = new Client({ connectionString: copy });
  user.on('error', () => {});
  await user.connect();
  await dropDatabase(postgres.url, 'A "copy"');
  await dropDatabase(postgres.url, 'A "copy"');
  await assert.rejects(select(copy, 'select 1'), { code: '3D000' });
});

async function select(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows[0]?.value;
  } finally {
    await client.end();
  }
}

async function config(url: string, name: string): Promise<unknown> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    return await client.config('GET', name);
  } finally {
    client.disconnect();
  }
}
