/** Run by the tests as a process of its own: has both servers and a program as children, says so, and waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runUntilDone, startPostgres, startProcess, startRedis } from '@rekey/stack';

await runUntilDone(async (signal) => {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const entry = fileURLToPath(new URL('./stubborn-program.ts', import.meta.url));
  const program = startProcess({ name: 'stubborn', entry, env: {}, readyLine: 'ready' });
  await program.ready;
  const pids = [postgres.pid, redis.pid, await program.pid];
  process.stdout.write(`${JSON.stringify({ pids, folders: [postgres.folder, redis.folder] })}\n`);
  await sleep(60_000, undefined, { signal }).catch(() => {});
  process.stdout.write('cleaning up\n');
  await Promise.all([postgres.stop(), redis.stop(), program.stop(1_500)]);
  signal.throwIfAborted();
  return 0;
});
