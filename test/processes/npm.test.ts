import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { createTestDatabase } from '../harness/database.ts';
import { testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const withNpm = { skip: spawnSync('npm', ['--version']).status !== 0 || process.platform !== 'linux' };
const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));
const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);
const database = await createTestDatabase();
const redis = testRedis();
const env = {
  PATH: process.env.PATH ?? '',
  HOME: folder,
  DATABASE_URL: database.url,
  REDIS_URL: redis.url,
  QUEUE_PREFIX: redis.prefix,
  KEK_URI: `local:${kekFile}`,
  JWT_SECRET: 'x'.repeat(40),
  PORT: '0',
  WORKER_NICENESS: '0',
};

interface Started {
  readonly npm: ChildProcess & { pid: number };
  readonly family: readonly number[];
  readonly said: () => string;
}

/** A real npm that runs a script, in a process group of its own, as a supervisor or a terminal starts it. */
async function runScript(script: string, ready: RegExp, more: Record<string, string> = {}): Promise<Started> {
  const npm = spawn('npm', ['run', script], { cwd: root, env: { ...env, ...more }, detached: true });
  let said = '';
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (said += chunk));
  await until(() => ready.test(said) || npm.exitCode !== null, {
    what: `${script} is up`,
    timeoutMs: 60_000,
  });
  assert.ok(npm.exitCode === null && npm.pid !== undefined, said);
  return { npm: Object.assign(npm, { pid: npm.pid }), family: await descendants(npm.pid), said: () => said };
}

async function descendants(ancestor: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === ancestor || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** A zombie that nobody has reaped yet is gone as well. */
async function alive(pids: readonly number[]): Promise<number[]> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => {
    const stat = stats[index] ?? '';
    return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  });
}

async function allEnds({ npm, family, said }: Started): Promise<void> {
  try {
    await until(async () => (await alive([npm.pid, ...family])).length === 0, {
      what: 'everything that npm started to be gone',
      timeoutMs: 10_000,
    });
  } catch (error) {
    for (const pid of await alive([npm.pid, ...family])) process.kill(pid, 'SIGKILL');
    throw new Error(said().slice(-2_000), { cause: error });
  }
}

const ways: ReadonlyArray<[what: string, (npmPid: number) => void]> = [
  ['SIGTERM to npm alone, as a supervisor sends it', (pid) => process.kill(pid, 'SIGTERM')],
  ['SIGINT to npm alone', (pid) => process.kill(pid, 'SIGINT')],
  ['SIGINT to the group, as a terminal sends it at Ctrl-C', (pid) => process.kill(-pid, 'SIGINT')],
  ['SIGTERM to the group, as a service manager sends it', (pid) => process.kill(-pid, 'SIGTERM')],
  ['SIGHUP to the group, as of a closed terminal', (pid) => process.kill(-pid, 'SIGHUP')],
  ['SIGHUP to npm alone, which does not pass it on', (pid) => process.kill(pid, 'SIGHUP')],
  ['SIGKILL to npm', (pid) => process.kill(pid, 'SIGKILL')],
];

for (const [app, ready] of [
  ['api', /"listening"/],
  ['worker', /"worker ready"/],
] as const) {
  test(`npm run start:${app} closes well, whoever of it is told to end`, withNpm, async (t) => {
    // What closes an API is what closes a worker: it need not be tried every way.
    for (const [what, end] of ways.filter(([way]) => app === 'worker' || /alone/.test(way))) {
      await t.test(what, async () => {
        const started = await runScript(`start:${app}`, ready);
        assert.equal(started.family.length, 1, 'no shell in between');
        end(started.npm.pid);
        await allEnds(started);
        await until(() => /"msg":"closed"/.test(started.said()), { what: 'its last line' });
      });
    }
  });
}

test('npm start takes its servers down with it, whoever of it is told to end', withNpm, async (t) => {
  for (const [what, end] of ways.filter(([way]) => /alone, as|KILL/.test(way))) {
    await t.test(what, async () => {
      const own = { DATABASE_URL: '', REDIS_URL: '', KEK_URI: '', TMPDIR: folder };
      const started = await runScript('start', /^ready http/m, own);
      assert.ok(started.family.length > 8, 'servers, keepers, processes');
      end(started.npm.pid);
      await allEnds(started);
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.startsWith('rekey-')),
        [],
      );
    });
  }
});
