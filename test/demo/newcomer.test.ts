import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openBrowser, skipWithoutBrowser, watchedPage } from '../console/browser.ts';
import { createTestDatabase } from '../harness/database.ts';
import { testRedis } from '../harness/redis.ts';
import { pasted, urlOf } from './printed.ts';
import { startProgram } from './program.ts';

/** What "within three minutes" leaves room for, on the slowest machine that this is tried on. */
const LONGEST_MS = 180_000;

const database = await createTestDatabase();
const redis = testRedis();
const given = { DATABASE_URL: database.url, REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };

/** Each command of the first block of shell under that heading of README.md, without what is said of it. */
async function commandsOf(heading: string): Promise<string[]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, section = ''] = readme.split(`\n## ${heading}\n`);
  const [, block = ''] = /^```sh\n(.*?)^```$/ms.exec(section) ?? [];
  return block
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)# .*$/, '').trim())
    .filter((line) => line !== '');
}

test('a stranger with what `npm start` prints rotates by curl, by command line and by mouse', {
  skip: skipWithoutBrowser,
}, async (t) => {
  const begun = performance.now();
  const stack = await startProgram('start', { ...given, PORT: '0' }, t);
  await stack.ready;
  const bash = async (command: string) => (await promisify(execFile)('bash', ['-c', command])).stdout;

  const byCurl = JSON.parse(await bash(pasted(stack, 'Start a rotation')));
  assert.equal(byCurl.success, true, JSON.stringify(byCurl));
  const ended = `npx rekey wait ${byCurl.data.rotationId}`;
  const byCommandLine = pasted(stack, 'Or by the command line, from this folder').split('\n');
  await bash([byCommandLine[0], ended].join('\n'));
  assert.match(await bash(byCommandLine.join('\n')), /^status +completed, done, 100 %$/m);

  // Everything that is clicked is found by the name that a screen reader says.
  const [, consoleUrl = ''] = /^ +console +(\S+),/m.exec(stack.logs()) ?? [];
  assert.equal(consoleUrl, `${urlOf(stack)}/console`);
  const [known = '', token = ''] = /^export URL=.* TOKEN=(\S+)$/m.exec(stack.logs()) ?? [];
  const { page, complaints } = await watchedPage(await (await openBrowser(t)).newContext());
  await page.goto(consoleUrl);
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('link', { name: 'Tenant', exact: true })
    .click();
  await page.getByRole('heading', { level: 1, name: 'Tenant' }).waitFor();
  await page.getByRole('button', { name: 'Rotate…' }).click();
  await page
    .getByRole('dialog', { name: 'Rotate' })
    .getByRole('button', { name: 'Rotate', exact: true })
    .click();
  await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
  await page.locator('.heading .state').getByText('completed').waitFor();
  const { rows } = await database
    .pool()
    .query(`select count(*)::int as ended from rekey.rotations where status = 'completed'`);
  assert.deepEqual(rows, [{ ended: 3 }]);
  assert.deepEqual(complaints, []);
  assert.ok(performance.now() - begun < LONGEST_MS, 'it takes a stranger too long');

  // And by what README.md says of both, with nothing but what was printed.
  const [start = '', follow = ''] = await commandsOf('The HTTP API');
  const byReadme = JSON.parse(await bash([known, start].join('\n')));
  const rotation = `export ROTATION=${byReadme.data.rotationId}`;
  const followed = [known, rotation, 'until'].join('\n');
  await bash(`${followed} ${follow.replaceAll('\n', ' ')} | grep -q '"completedAt":"'; do sleep 0.2; done`);
  const [environment = '', ...commands] = await commandsOf('Command line');
  assert.ok(commands.length >= 4, commands.join('\n'));
  const told = new Map<string, string>();
  for (const command of commands) {
    // A worker signs a certificate within seconds of the end.
    const patience = command.includes('certificate get')
      ? 'for i in 1 2 3 4 5 6 7 8 9; do'
      : 'for i in 1; do';
    const attempts = `${patience} ${command.replace('> certificate.json', '')} && exit; sleep 1; done; exit 1`;
    told.set(command.split(' ')[2] ?? '', await bash([known, rotation, environment, attempts].join('\n')));
  }
  assert.match(told.get('explain') ?? '', /The database counted no record on an older key/);
  assert.match(told.get('rotate') ?? '', /^status +completed, done, 100 %$/m);

  stack.kill('SIGINT');
  assert.equal((await stack.exited).code, 0, stack.logs());
});
