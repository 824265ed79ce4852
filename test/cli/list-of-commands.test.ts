import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { usageOf } from '../../apps/cli/src/command.ts';
import { commands } from '../../apps/cli/src/commands/index.ts';
import { completionScript } from '../../apps/cli/src/completion-script.ts';
import { exitCodes } from '../../apps/cli/src/exit-codes.ts';

const manual = await readFile(new URL('../../docs/command-line.md', import.meta.url), 'utf8');

test('docs/command-line.md has the commands of the list, and every exit code', () => {
  const rows = [...manual.matchAll(/^\| `(rekey [^`]+)` \| (.+?) \|$/gm)].map(([, call, about]) => [
    call,
    about,
  ]);
  assert.deepEqual(
    rows,
    commands.map((command) => [usageOf(command), command.about]),
  );
  const codes = [...manual.matchAll(/^\| ([0-9]+) \|/gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(exitCodes));
});

test('no command takes a token as an argument', () => {
  for (const { options = {} } of commands) assert.ok(!Object.keys(options).includes('token'));
});

const completed = (...words: string[]): string[] =>
  execFileSync('bash', [
    '--norc',
    '-c',
    `${completionScript('bash', commands)}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rekey; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    'rekey',
    ...words,
  ])
    .toString()
    .trim()
    .split('\n');

test('bash completes commands, their second words, and their options', () => {
  assert.deepEqual(completed('ro'), ['rotate']);
  assert.deepEqual(completed('certificate', ''), ['get', 'keys', 'verify']);
  assert.deepEqual(completed('rotate', '--te'), ['--tenant']);
  assert.deepEqual(completed('rotate', '--tenant', 'x', '--ti'), ['--timeout']);
  assert.deepEqual(completed('list', '--status', 'co'), ['completed', 'completed_with_failures']);
  assert.deepEqual(completed('audit', 'export', '--form', ''), ['jsonl', 'csv']);
  assert.deepEqual(completed('nothing', ''), ['']);
  assert.deepEqual(completed('certificate', 'verify', 'x', '--j'), ['--jwks', '--json']);
});

test('zsh and fish are told of every command and option', () => {
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(shell, commands);
    for (const { name, options = {} } of commands) {
      for (const word of name.split(' ')) assert.ok(script.includes(word), `${shell}: ${word}`);
      for (const option of Object.keys(options))
        assert.ok(script.includes(shell === 'fish' ? `-l ${option}` : `--${option}`), `${shell}: ${option}`);
    }
  }
});
