import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile } from '@rekey/kms';
import { until } from '../harness/wait.ts';
import { apps, database, folder, lastWords, mainOf, names, redis, start } from './last-words.ts';

test('numbers with anything but digits are malformed, each told in one line', async () => {
  const odd = [' 5', '5 ', '5.0', '1e3', '0x10', '+5', '-1', '５', 'abc', '99999999999999999999'];
  const numbers = {
    api: ['PORT', 'RATE_LIMIT_PER_MINUTE', 'RATE_LIMIT_READS_PER_MINUTE'],
    worker: [
      'WORKER_CONCURRENCY',
      'BATCH_SIZE',
      'WORKER_STATEMENTS',
      'WORKER_NICENESS',
      'ITEMS_PER_SECOND_MAX',
      'HEALTH_PORT',
    ],
  };
  const { readApiConfig } = await import('@rekey/api');
  const { readWorkerConfig } = await import('../../apps/worker/src/config.ts');
  const read = { api: readApiConfig, worker: readWorkerConfig };
  for (const app of names) {
    for (const value of odd) {
      const env = Object.fromEntries(numbers[app].map((name) => [name, value]));
      assert.throws(
        () => read[app]({ ...apps[app].env, ...env }),
        (error: Error) => {
          const named = error.message.split('\n').map((line) => line.split(' ')[0] ?? '');
          assert.deepEqual(named.sort(), [...numbers[app]].sort(), `${app}: ${value}`);
          return true;
        },
      );
    }
  }
});

test('words that look nearly right are malformed: white space, upper case, another scheme, a broken encoding', async () => {
  const { readWorkerConfig } = await import('../../apps/worker/src/config.ts');
  const rows: ReadonlyArray<[name: string, value: string]> = [
    ['LOG_LEVEL', 'INFO'],
    ['LOG_LEVEL', 'info '],
    ['LOG_LEVEL', 'trace'],
    ['DATABASE_URL', ' '],
    ['DATABASE_URL', 'localhost:5432/rekey'],
    ['DATABASE_URL', 'postgres://u:p%zz@localhost/rekey'],
    ['DATABASE_URL', 'postgres://u:p@localhost:99999/rekey'],
    ['DATABASE_URL', 'postgres://u:p@localhost/rekey?sslmode=verify_full'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', `${redis.url}\n`],
    ['KEK_URI', '/etc/rekey/kek'],
    ['KEK_URI', ' local:/etc/rekey/kek'],
    ['KEK_URI', 'local:'],
    ['HEALTH_HOST', '0.0.0.0 '],
    ['HEALTH_HOST', 'http://0.0.0.0'],
    ['QUEUE_PREFIX', 'rekey '],
  ];
  for (const [name, value] of rows) {
    assert.throws(
      () => readWorkerConfig({ ...apps.worker.env, [name]: value }),
      {
        name: 'ConfigError',
        message: new RegExp(
          `^${name} ${name === 'DATABASE_URL' ? '(is|has|names) ' : 'is malformed: '}[^\n]+$`,
        ),
      },
      `${name}=${value}`,
    );
  }
});

test('a place where it cannot listen is one line and status 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => {
    taken.close();
  });
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const port = String(address.port);
  for (const app of names) {
    const [HOST, PORT] = app === 'api' ? ['HOST', 'PORT'] : ['HEALTH_HOST', 'HEALTH_PORT'];
    for (const [env, says] of [
      [{ [PORT]: port }, `config: ${PORT}: ${port} is taken on 127.0.0.1`],
      [{ [HOST]: 'nowhere.invalid' }, `config: ${HOST}: nowhere.invalid does not resolve`],
      [{ [HOST]: '192.0.2.1' }, `config: ${HOST}: 192.0.2.1 is no address of this machine`],
    ] as const) {
      const [line, ...more] = await lastWords(start(app, env));
      assert.ok(line?.startsWith(says), `${line} ≠ ${says}`);
      assert.deepEqual(more, []);
    }
  }
});

const lowest = Number(
  await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '0'),
);
test('a port that needs a privilege is one line and status 1', {
  skip: process.getuid?.() !== 0 || lowest <= 80,
}, async () => {
  const own = join(folder, 'own');
  await createLocalKeyFile(own);
  await chown(own, 1000, 1000);
  await chmod(folder, 0o755);
  for (const app of names) {
    const { main, env } = apps[app];
    const { status, stderr } = spawnSync(process.execPath, [mainOf(main)], {
      env: { ...env, PORT: '80', HEALTH_PORT: '80', KEK_URI: `local:${own}` },
      uid: 1000,
      gid: 1000,
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /^config: (HEALTH_)?PORT: 80 is not open to this user: [^\n]+\n$/);
  }
});

/** Runs code in the process a moment after its start, as a fault of ours would. */
const fault = (code: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`setTimeout(()=>{${code}},3000)`)}`,
});

test('an error that nobody caught is one line at fatal, without its message, and status 1', async () => {
  // In two parts: the code itself, which Node gives as the place where it was thrown, is not to hold the word.
  const rows: ReadonlyArray<[code: string, says: string]> = [
    [`throw new TypeError('postgres://u:hid'+'den@db')`, 'uncaught exception'],
    [`Promise.reject(new RangeError('hid'+'den'))`, 'unhandled rejection'],
    [`Promise.reject('hid'+'den')`, 'unhandled rejection'],
    [`throw 'hid'+'den'`, 'uncaught exception'],
  ];
  for (const app of names) {
    for (const [code, says] of app === 'api' ? rows : rows.slice(0, 2)) {
      const lines = await lastWords(start(app, fault(code)));
      const last = JSON.parse(lines.at(-1) ?? '');
      assert.deepEqual([last.level, last.msg, last.name], ['fatal', says, app], code);
      assert.doesNotMatch(lines.join('\n'), /hidden/);
    }
  }
});

test('SIGUSR1 opens no inspector, with the flag and without it; an open one is told of', async (t) => {
  for (const app of names) {
    for (const flags of [[], ['--disable-sigusr1']]) {
      const running = start(app, {}, flags);
      t.after(() => running.stop());
      await running.ready;
      running.kill('SIGUSR1');
      // With the flag it is not even delivered.
      if (flags.length === 0)
        await until(() => running.logs().includes('SIGUSR1 was ignored'), { what: 'it says so' });
      await sleep(300);
      assert.doesNotMatch(running.logs(), /Debugger listening/);
      assert.deepEqual(await running.stop(), { code: 0, signal: null });
    }
  }
  const inspected = start('worker', {}, ['--inspect=127.0.0.1:0']);
  t.after(() => inspected.stop());
  await inspected.ready;
  assert.match(inspected.logs(), /"level":"warn".*the inspector is open/);
});

test('migrate: missing and malformed are status 1, away is 75, no password is said', async () => {
  const entry = mainOf('packages/schema', 'migrate-main');
  const withoutPassword = new URL(database.url);
  withoutPassword.password = '';
  const asks = await asksForPassword(withoutPassword.href);
  const rows: ReadonlyArray<readonly [url: string, code: number, says: RegExp]> = [
    ['', 1, /^config: DATABASE_URL is missing: [^\n]+$/],
    [' ', 1, /^config: DATABASE_URL is neither [^\n]+$/],
    ['nonsense', 1, /^config: DATABASE_URL is neither [^\n]+$/],
    ['mysql://u:hidden@h/d', 1, /^config: DATABASE_URL (is|has|names) [^\n]+$/],
    [
      'postgres://u:hidden@127.0.0.1:1/x',
      75,
      /^Migration failed: Postgres is not available: nothing listens at its address$/,
    ],
    ...(asks ? [[withoutPassword.href, 1, /^Migration failed: .*password/] as const] : []),
  ];
  for (const [url, code, says] of rows) {
    const began = performance.now();
    const child = spawn(process.execPath, [entry], { env: { DATABASE_URL: url } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const [exit] = await once(child, 'close');
    assert.equal(exit, code, said);
    assert.ok(performance.now() - began < 30_000, 'at once: a refused connection holds nothing up');
    assert.match(said.trimEnd(), says);
    assert.doesNotMatch(said, /hidden/);
  }
});

async function asksForPassword(url: string): Promise<boolean> {
  const { migrate } = await import('@rekey/schema');
  return migrate(url).then(
    () => false,
    () => true,
  );
}

test('a Node that is too old says so in one line', async (t) => {
  const [old] = ['/usr/bin/node', '/usr/local/bin/node'].filter((node) => {
    const major = /^v(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
    return major !== undefined && Number(major) < 26;
  });
  if (old === undefined) return t.skip('no such Node here');
  for (const path of [
    'packages/runtime/src/need-node.mjs',
    'apps/api/src/main.mjs',
    'apps/worker/src/main.mjs',
  ]) {
    const script = fileURLToPath(new URL(`../../${path}`, import.meta.url));
    const ended: { status: number | null; stderr: string } = spawnSync(old, [script], { encoding: 'utf8' });
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, /^config: Node \d+\.\d+\.\d+ is too old: it must be 26 or later[^\n]*\n$/);
  }
});
