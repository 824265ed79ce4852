import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../apps/cli/src/commands/index.ts';
import { run } from '../../apps/cli/src/run.ts';
import { callHere } from './in-process.ts';
import { screen } from './screen.ts';

const env = { REKEY_URL: 'http://127.0.0.1:1', REKEY_TOKEN: 'abc' };
const rotation = 'rot-00000000-0000-4000-8000-000000000000';

test('whoever slips is told what was probably meant', async () => {
  for (const [words, says] of [
    ['rotat', 'There is no command rotat. Did you mean rekey rotate?'],
    ['roatte --tenant x', 'There is no command roatte. Did you mean rekey rotate?'],
    ['campaign strat', 'There is no command campaign strat. Did you mean rekey campaign start?'],
    ['campaing list', 'There is no command campaing list. Did you mean rekey campaign list?'],
    ['frobnicate', 'There is no command frobnicate.\n'],
    ['help frobnicate', 'There is no command frobnicate.\n'],
    ['list --tenat x', 'There is no option --tenat. Did you mean --tenant?'],
    ['list --stat x', 'There is no option --stat. Did you mean --status?'],
    [`status ${rotation} --token abc`, 'There is no option --token. Did you mean --token-file?'],
    ['list --frobnicate', 'There is no option --frobnicate.\n'],
    ['list -x', 'There is no option -x.\n'],
    ['list --status', '--status takes a value: --status STATUS.'],
    ['list --all=3', '--all takes no value.'],
    ['list --tenant --all', '--tenant takes a value: --tenant ID.'],
    ['status', 'rekey status takes ROTATION: the rotation is missing.'],
    [`limit ${rotation}`, 'rekey limit takes ROTATION RATE: the rate is missing.'],
    [`status ${rotation} more`, 'rekey status takes ROTATION, and not more as well.'],
    ['list more', 'rekey list takes nothing but options, and not more as well.'],
  ] as const) {
    const said = await callHere(env, ...words.split(' '));
    assert.deepEqual([said.code, said.out], [2, ''], words);
    assert.ok(said.err.includes(says), `${words}: ${said.err}`);
  }
});

test('a variable that is not set is no value, wherever it stands', async () => {
  for (const [args, says] of [
    [['status', ''], 'The rotation is empty: is a variable not set?'],
    [['limit', rotation, ' '], 'The rate is empty: is a variable not set?'],
    [['rotate', '--tenant', ''], '--tenant is empty: is a variable not set?'],
    [['list', '--tenant='], '--tenant is empty: is a variable not set?'],
    [['list', '--url', ''], '--url is empty: is a variable not set?'],
  ] as const) {
    const said = await callHere(env, ...args);
    assert.deepEqual([said.code, said.out], [2, ''], says);
    assert.ok(said.err.startsWith(`rekey: ${says}\nusage: `), said.err);
  }
  const dots = await callHere(env, 'status', '..');
  assert.deepEqual([dots.code, /^rekey: It was not sent: .*an id in the path/.test(dots.err)], [2, true]);
});

test('an API that is not there is said in words of the command line', async () => {
  const said = await callHere(env, 'status', rotation);
  assert.equal(said.code, 5);
  assert.match(
    said.err,
    /^rekey: There is no answer from 127\.0\.0\.1:1 \(.+\)\nWhere the API is, says --url or REKEY_URL\.\n$/,
  );
});

test('help is had in every way in which it is asked for', async () => {
  const rotate = await callHere({}, 'rotate', '--help');
  assert.deepEqual(await callHere({}, 'help', 'rotate'), rotate);
  assert.match(rotate.out, /^usage: rekey rotate .*--idempotency-key KEY/);
  for (const words of ['campaign --help', 'help campaign', 'campaign -h', 'campaign']) {
    const said = await callHere({}, ...words.split(' '));
    assert.equal(said.code, words === 'campaign' ? 2 : 0, words);
    assert.ok(said.out.includes('campaign simulate') && !said.out.includes('rekey doctor'), said.out);
  }
  assert.match((await callHere({}, '--version')).out, /^rekey \d+\.\d+\.\d+\n$/);
});

test('no line of help is wider than the terminal', async () => {
  for (const columns of [40, 80, 200])
    for (const words of [['help'], ...commands.map(({ name }) => ['help', ...name.split(' ')])]) {
      const { output, text } = screen(columns, { term: 'dumb' });
      const signal = new AbortController().signal;
      const code = await run(words, { env: {}, out: output, err: output, signal, ask: null });
      assert.equal(code, 0, words.join(' '));
      for (const line of text().split('\n')) assert.ok(line.length <= columns, `${columns}: ${line}`);
    }
});
