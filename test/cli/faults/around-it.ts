import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInstallation } from '@rekey/control';
import { keysOf, queueNames } from '@rekey/jobs';
import { createLocalKeyFile } from '@rekey/kms';
import { openDoor } from '../../harness/door.ts';
import { type Fault, ofRedis, withEnv } from './fault.ts';

/** Of KEKs and of Redis. */
export const faultsAroundIt: readonly Fault[] = [
  withEnv('a KEK that is not there', ['KEK_UNUSABLE'], ({ folder }) => ({
    KEK_URI: `local:${join(folder, 'lost')}`,
  })),
  {
    what: 'a KEK that others can read',
    codes: ['KEK_UNUSABLE'],
    async plant({ kekFile }) {
      await chmod(kekFile, 0o644);
      return { mend: () => chmod(kekFile, 0o600) };
    },
  },
  withEnv('another KEK', ['KEK_NOT_HELD'], async ({ folder }) => {
    const other = join(folder, 'other-kek');
    await createLocalKeyFile(other);
    return { KEK_URI: `local:${other}` };
  }),
  {
    what: 'a stored key that is damaged',
    codes: ['DEK_NOT_UNWRAPPED'],
    async plant({ admin }) {
      const flip = `set session_replication_role = replica;
        update rekey.dek_material set wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1);
        reset session_replication_role`;
      await admin.query(flip);
      return { mend: () => admin.query(flip) };
    },
  },
  withEnv('Redis is not there', ['REDIS_AWAY'], () => ({ REDIS_URL: 'redis://127.0.0.1:1' })),
  withEnv('a wrong password for Redis', ['REDIS_CREDENTIALS'], ({ redisUrl }) => {
    const url = new URL(redisUrl);
    url.password = 'wrong';
    return { REDIS_URL: url.href };
  }),
  {
    what: 'a user of Redis without scripts',
    codes: ['REDIS_DENIED'],
    async plant({ redis, redisUrl }) {
      await redis.call('ACL', 'SETUSER', 'weak', 'on', '>weak', '~*', '+@all', '-@scripting');
      const url = new URL(redisUrl);
      url.username = url.password = 'weak';
      return { env: { REDIS_URL: url.href }, mend: () => redis.call('ACL', 'DELUSER', 'weak') };
    },
  },
  ofRedis('Redis evicts', ['REDIS_EVICTS'], 'maxmemory-policy', 'allkeys-lru', 'noeviction'),
  ofRedis('Redis is full', ['REDIS_FULL'], 'maxmemory', '1', '0'),
  ofRedis('Redis keeps nothing', ['REDIS_NOT_PERSISTENT'], 'appendonly', 'no', 'yes'),
  {
    what: 'an old Redis',
    codes: ['REDIS_TOO_OLD'],
    async plant({ redisUrl }) {
      const url = new URL(redisUrl);
      const rewrite = (text: string): string => text.replace(/redis_version:\d/, 'redis_version:5');
      url.port = String((await openDoor(Number(url.port), { rewrite })).port);
      return { env: { REDIS_URL: url.href } };
    },
  },
  {
    what: 'somebody paused a queue',
    codes: ['REDIS_PAUSED'],
    async plant({ admin, redis }) {
      const key = `${keysOf('{rekey}', await loadInstallation(admin))}:${queueNames.rotations}:meta`;
      await redis.hset(key, 'paused', '1');
      return { mend: () => redis.hdel(key, 'paused') };
    },
  },
  {
    what: 'a process with another prefix',
    codes: ['QUEUE_PREFIX'],
    async plant({ admin, redis }) {
      const key = `{other}:${(await loadInstallation(admin)).id}:rekey-rotations:meta`;
      await redis.hset(key, 'a', '1');
      return { mend: () => redis.del(key) };
    },
  },
];
