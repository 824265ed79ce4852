import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evidence, isShown, judge, parseLogLine } from '@rekey/demo';
import { activity, counts, rotation } from './scene.ts';

const good: Evidence = {
  rotation: rotation(),
  counts,
  opened: { right: 85, wrong: 0, troubles: [] },
  stock: {
    credentials: { records: 25, elsewhere: 0 },
    api_keys: { records: 10, elsewhere: 0 },
    secrets: { records: 50, elsewhere: 0 },
  },
  activity: activity(),
};

const broken = (other: Partial<Evidence>): string[] =>
  judge({ ...good, ...other })
    .filter(({ holds }) => !holds)
    .map(({ claim }) => claim);

test('with all the evidence there the proof holds', () => {
  assert.deepEqual(broken({}), []);
});

test('a record that is missing or holds another value breaks the proof, and is named', () => {
  const opened = { right: 84, wrong: 1, troubles: ['secrets 1 is missing'] };
  const check = judge({ ...good, opened }).find(({ holds }) => !holds);
  assert.equal(check?.claim, 'every record opens');
  assert.deepEqual(check?.troubles, ['secrets 1 is missing']);
});

test('a record on an older key breaks the proof', () => {
  const stock = { ...good.stock, api_keys: { records: 10, elsewhere: 1 } };
  assert.deepEqual(broken({ stock }), ['none on an older key']);
});

test('a record lost or added breaks the proof', () => {
  for (const records of [49, 51]) {
    const stock = { ...good.stock, secrets: { records, elsewhere: 0 } };
    assert.deepEqual(broken({ stock }), ['none lost or added']);
  }
});

test('an error of the application breaks the proof', () => {
  assert.deepEqual(broken({ activity: activity(1) }), ['no operation failed']);
});

test('a rotation that ended otherwise, or does not account for every record, breaks the proof', () => {
  const failed = rotation({ status: 'failed', failureReason: 'KEK_DENIED' });
  assert.deepEqual(broken({ rotation: failed }), ['rotation completed']);
  assert.match(judge({ ...good, rotation: failed }).at(-1)?.evidence ?? '', /^failed \(KEK_DENIED\), /);
  const short = rotation({ itemsRotated: { credentials: 20, apiKeys: 10, secrets: 48 } });
  assert.deepEqual(broken({ rotation: short }), ['rotation completed']);
});

test('of the processes a person sees what is as bad as asked for, and every crash', () => {
  assert.deepEqual(parseLogLine('{"level":"warn","time":"x","name":"api","msg":"lost","code":"X"}'), {
    level: 'warn',
    text: 'lost {"code":"X"}',
  });
  assert.deepEqual(parseLogLine('TypeError: no'), { level: 'error', text: 'TypeError: no' });
  assert.deepEqual(parseLogLine('[1]'), { level: 'error', text: '[1]' });
  assert.deepEqual(parseLogLine('{"level":"odd","msg":"x"}'), {
    level: 'error',
    text: '{"level":"odd","msg":"x"}',
  });
  assert.equal(isShown('warn', 'warn'), true);
  assert.equal(isShown('info', 'warn'), false);
  assert.equal(isShown('error', 'silent'), false);
});
