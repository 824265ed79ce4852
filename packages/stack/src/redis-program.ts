import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { debianTool } from './debian-unpack.ts';
import { StackError } from './errors.ts';
import type { Log } from './servers.ts';

export type RedisProgram = { file: string };

/**
 * A redis-server that runs: the PATH's (or its valkey-server), else Debian's package, unpacked without installing it (an
 * installation would also start a system service).
 *
 * @throws StackError REDIS_NOT_FOUND, saying what to install
 */
export async function findRedis(log?: Log): Promise<RedisProgram> {
  for (const file of ['redis-server', 'valkey-server']) if (await runs(file)) return { file };
  try {
    const { programs } = await debianTool('redis', log === undefined ? {} : { log });
    return { file: programs['redis-server'] };
  } catch (cause) {
    throw new StackError(
      'REDIS_NOT_FOUND',
      'Redis was not found: install it with `sudo apt-get install redis-server` (or valkey-server), or set REDIS_URL.',
      { cause },
    );
  }
}

async function runs(file: string): Promise<boolean> {
  try {
    await promisify(execFile)(file, ['--version']);
    return true;
  } catch {
    return false;
  }
}
