import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { call, program, type Said, start } from './call.ts';

const terminal = '/usr/bin/script';
const skip = existsSync(terminal) ? false : 'there is no script(1)';
const erase = '\x1b[K';

const rekey = await installation({ workers: 0 });
const { tenantId } = await rekey.seedTenant(17);
const { rotationId } = (await rekey.rotate(tenantId)).body.data;
const env = { REKEY_URL: rekey.apis[0]?.url ?? '', REKEY_TOKEN: rekey.token };

/** In a pseudo-terminal of that width. */
const typed = (
  columns: number,
  look: Record<string, string>,
  args: string,
  answer?: string,
): Promise<Said> => {
  const command = `stty cols ${columns}; '${process.execPath}' '${program}' ${args}`;
  const input = answer === undefined ? '' : { when: /Type [^:]+: /, text: answer };
  return start(terminal, ['-qefc', command, '/dev/null'], { ...env, ...look }, input).ended;
};

/** What was drawn in place, each time. */
const drawn = (out: string): string[] =>
  out
    .split(erase)
    .slice(1)
    .map((text) => text.replace(/[\r\n][\s\S]*$/, ''))
    // The last one makes room for what follows.
    .filter((text) => text.startsWith('in progress'));

for (const columns of [40, 80, 200])
  test(`in ${columns} columns what is drawn in place fits into one line`, { skip }, async () => {
    const { code, out } = await typed(columns, { TERM: 'xterm' }, `wait ${rotationId} --timeout 3s`);
    assert.equal(code, 124);
    const lines = drawn(out);
    assert.ok(lines.length > 0, JSON.stringify(out));
    for (const line of lines) assert.ok(line.length < columns, `${line.length}: ${line}`);
    assert.equal(lines[0]?.includes('of 17 records'), columns > 40);
  });

for (const columns of [40, 80, 200])
  test(`in ${columns} columns tables and sentences fit, and ids are whole`, { skip }, async () => {
    const { keys } = JSON.parse((await call(env, 'keys', '--tenant', tenantId, '--json')).out);
    const keyId = keys[0].keyId;
    for (const [args, whole] of [
      ['list', rotationId],
      [`list --tenant ${tenantId}`, rotationId],
      ['keys', keyId],
      ['keks', ''],
      ['tenants', tenantId],
      ['audit list', ''],
      [`status ${rotationId}`, rotationId],
      [`explain ${rotationId}`, ''],
      [`key destruction ${keyId}`, keyId],
      [`tenant show ${tenantId}`, tenantId],
      ['policy get --default', ''],
    ] as const) {
      const { code, out } = await typed(columns, { TERM: 'xterm', NO_COLOR: '1' }, args);
      assert.equal(code, 0, out);
      assert.ok(out.includes(whole), args);
      for (const line of out.split(/\r?\n/)) {
        const isOneWord = !line.trim().includes(' ') || line.startsWith('rekey ');
        assert.ok(line.length <= columns || isOneWord, `${args}: ${line.length}: ${line}`);
      }
      assert.doesNotMatch(out, /undefined|NaN|\[object/, args);
    }
  });

test('without colour there is none, and a dumb terminal gets nothing but text', { skip }, async () => {
  for (const args of [`status ${rotationId}`, `wait ${rotationId} --timeout 1s`, 'status rot-none', 'help']) {
    const plain = await typed(80, { TERM: 'xterm', NO_COLOR: '1' }, args);
    assert.ok(!plain.out.includes('\x1b['.concat('3')) && !plain.out.includes('\x1b[1m'), args);
    const dumb = await typed(40, { TERM: 'dumb' }, args);
    assert.ok(!dumb.out.includes('\x1b') && dumb.out.length > 10, args);
    assert.equal(dumb.code, plain.code);
  }
});

test('whoever is asked and answers something else has done nothing', { skip }, async () => {
  for (const answer of ['\n', 'yes\n', `${rotationId}\n`, '\x04']) {
    const { code, out } = await typed(80, { TERM: 'xterm' }, `cancel ${rotationId}`, answer);
    assert.equal(code, 2, JSON.stringify([answer, out]));
  }
  assert.equal((await rekey.status(rotationId)).body.data.status, 'in_progress');
  const { code, out } = await typed(40, { TERM: 'dumb' }, `cancel ${rotationId}`, `${tenantId}\n`);
  assert.equal(code, 0, out);
  assert.ok(out.includes(tenantId) && !out.includes('\x1b['.concat('3')));
});
