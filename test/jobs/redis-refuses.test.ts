import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisTroubleCode } from '@rekey/jobs';
import { Redis } from 'ioredis';
import { startCluster } from '../harness/redis-topologies.ts';
import { until } from '../harness/wait.ts';
import { admin, codes, keys, parts, password, port, server, wellAgain } from './refusing-redis.ts';

const aclUser = async (...rules: string[]): Promise<string> => {
  const name = `u${randomUUID().slice(0, 8)}`;
  await admin.call('ACL', 'SETUSER', name, 'on', '>pw', '~*', '&*', '+@all', ...rules);
  return `redis://${name}:pw@127.0.0.1:${port}`;
};

const harms: Record<
  string,
  { does: () => Promise<unknown>; undo: () => Promise<unknown>; code: RedisTroubleCode }
> = {
  'a demotion to a replica': {
    does: () => admin.call('REPLICAOF', '127.0.0.1', '1'),
    undo: () => admin.call('REPLICAOF', 'NO', 'ONE'),
    code: 'READ_ONLY',
  },
  'a replica that serves nothing stale': {
    async does() {
      await admin.config('SET', 'replica-serve-stale-data', 'no');
      await admin.call('REPLICAOF', '127.0.0.1', '1');
    },
    async undo() {
      await admin.call('REPLICAOF', 'NO', 'ONE');
      await admin.config('SET', 'replica-serve-stale-data', 'yes');
    },
    code: 'READ_ONLY',
  },
  'too few replicas': {
    does: () => admin.config('SET', 'min-replicas-to-write', '1'),
    undo: () => admin.config('SET', 'min-replicas-to-write', '0'),
    code: 'NO_REPLICAS',
  },
  'a full memory': {
    does: () => admin.config('SET', 'maxmemory', '1'),
    undo: () => admin.config('SET', 'maxmemory', '0'),
    code: 'FULL',
  },
  'a script that does not end': {
    async does() {
      await admin.config('SET', 'busy-reply-threshold', '10');
      const runaway = new Redis(server.url);
      runaway.eval('while true do end', 0).catch(() => {});
      runaway.on('error', () => {});
      test.after(() => runaway.disconnect());
      await sleep(100);
    },
    undo: () => admin.call('SCRIPT', 'KILL'),
    code: 'BUSY',
  },
  'a new password': {
    async does() {
      await admin.config('SET', 'requirepass', 'another');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    undo: () => admin.config('SET', 'requirepass', decodeURIComponent(password)),
    code: 'CREDENTIALS',
  },
  'a queue that is paused': {
    does: () => admin.hset(`${keys}:rotations:meta`, 'paused', 1),
    undo: () => admin.hdel(`${keys}:rotations:meta`, 'paused'),
    code: 'PAUSED',
  },
  'a queue that may run nothing': {
    does: () => admin.hset(`${keys}:ranges:meta`, 'concurrency', 0),
    undo: () => admin.hdel(`${keys}:ranges:meta`, 'concurrency'),
    code: 'PAUSED',
  },
  'a list of ours that is none': {
    async does() {
      await admin.del(`${keys}:rotations:wait`);
      await admin.set(`${keys}:rotations:wait`, 'x');
    },
    undo: () => admin.del(`${keys}:rotations:wait`),
    code: 'WRONG_TYPE',
  },
  'a disk that cannot be written': {
    async does() {
      await rm(server.folder, { recursive: true });
      await admin.config('SET', 'save', '3600 1');
      await admin.call('BGSAVE');
      await until(async () => (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'), {
        what: 'the save has failed',
      });
    },
    undo: () => admin.config('SET', 'save', ''),
    code: 'DISK',
  },
};

for (const [what, { does, undo, code }] of Object.entries(harms)) {
  test(`${what} is said as ${code}, though PING is answered, and over when it is over`, async (t) => {
    const all = parts(server.url, t);
    await wellAgain(all);
    try {
      await does();
      await until(
        async () => {
          const found = await codes(all);
          // Only whoever takes jobs looks at the queues.
          return (
            found[2] === code &&
            (['PAUSED', 'WRONG_TYPE'].includes(code) || found.every((one) => one === code))
          );
        },
        { what: `all say ${code}` },
      );
    } finally {
      await undo();
    }
    await wellAgain(all);
  });
}

for (const [what, rules, ours] of [
  ['scripts', ['-@scripting'], true],
  ['our keys', ['resetkeys', '~other:*'], true],
  ['streams', ['-@stream'], true],
  ['writing', ['-@write'], true],
  ['blocking', ['-@blocking'], false],
] as const) {
  test(`a user without the right to ${what} is told apart, and works once it has it`, async (t) => {
    const url = await aclUser(...rules);
    const all = parts(url, t);
    await until(async () => (await codes(all))[2] === 'DENIED', { what: 'DENIED' });
    const found = await codes(all);
    assert.deepEqual(found, ours ? ['DENIED', 'DENIED', 'DENIED'] : [null, null, 'DENIED']);
    await admin.call('ACL', 'SETUSER', new URL(url).username, 'on', '~*', '+@all');
    await wellAgain(all);
  });
}

test('a Cluster and a prefix without braces: CROSS_SLOT; with braces it works', async (t) => {
  const cluster = await startCluster(t);
  await wellAgain(parts(cluster, t));
  const without = parts(cluster, t, 'rekey');
  await until(async () => (await codes(without)).every((code) => code === 'CROSS_SLOT'), {
    what: 'CROSS_SLOT',
  });
});
