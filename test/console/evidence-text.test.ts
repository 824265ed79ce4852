import assert from 'node:assert/strict';
import { test } from 'node:test';

const { evidenceText } = await import(new URL('../../apps/api/console/evidence.js', import.meta.url).href);
const text = (name: string, state: string, evidence: object): string =>
  evidenceText({ name, state, evidence });

/** As the database has it: six digits, and an offset. */
const at = '2026-01-02T03:04:05.678901+00:00';
const day = 86_400;

test('what a condition of a destruction rests on is told in a sentence', () => {
  for (const [name, state, evidence, says] of [
    [
      'out_of_use',
      'met',
      { state: 'deactivated', deactivatedAt: at },
      'It is deactivated, since 2026-01-02 03:04:05 UTC.',
    ],
    [
      'out_of_use',
      'unmet',
      { state: 'pre_active', deactivatedAt: null },
      /^It is pre active: a rotation has to /,
    ],
    ['drained', 'unmet', { openLocks: 1 }, /^1 transaction from /],
    [
      'no_records',
      'met',
      { records: {}, countedAt: at, problems: [] },
      'None, counted 2026-01-02 03:04:05 UTC.',
    ],
    [
      'no_records',
      'unmet',
      { records: { secrets: 1200, api_keys: 0 } },
      'Records stand under it: 1,200 in secrets.',
    ],
    [
      'no_records',
      'unknown',
      { records: {}, problems: ['FENCE_MISSING'] },
      /cannot be told: FENCE_MISSING\./,
    ],
    [
      'unused',
      'met',
      { seconds: 7 * day, lastUsedAt: null },
      /^Nobody has used it for 7 days: nobody is known/,
    ],
    ['unused', 'unmet', { seconds: 7 * day, lastUsedAt: at }, /: not before 2026-01-09 03:04:05 UTC\.$/],
    [
      'unused',
      'unknown',
      {
        seconds: day,
        silentProcesses: [{ kind: 'worker', host: 'a' }, null],
        unheardRoles: ['app'],
        watchedSince: at,
      },
      /the worker on a is silent; the process on some host is silent; no process of app has ever .* watched since 2026/,
    ],
    ['backups', 'unmet', { horizonSeconds: null }, /set backup_horizon_seconds/],
    [
      'backups',
      'unmet',
      { horizonSeconds: 30 * day, emptySince: null, provedBy: null },
      /^No completed rotation/,
    ],
    [
      'backups',
      'met',
      { horizonSeconds: 30 * day, emptySince: at, provedBy: 'rot-1' },
      /rot-1 .* gone since 2026-02-01/,
    ],
    ['backups', 'unmet', { horizonSeconds: 9e15, emptySince: at, provedBy: 'rot-1' }, /days after that\.$/],
    ['grace', 'unmet', { dueAt: null, seconds: day }, /^It is 24 h, and begins when somebody asks/],
    ['approvals', 'unmet', { needed: 2, given: 1, validDays: 7 }, /^1 of 2 have agreed/],
    ['of_a_later_version', 'met', { soItIs: true }, '{"soItIs":true}'],
  ] as const) {
    const told = text(name, state, evidence);
    if (typeof says === 'string') assert.equal(told, says);
    else assert.match(told, says);
  }
});

test('facts that are not there, or are something else, break no page', () => {
  const names = ['out_of_use', 'drained', 'no_records', 'unused', 'backups', 'grace', 'approvals'];
  const odd = {
    seconds: 'x',
    records: 7,
    problems: {},
    silentProcesses: [7],
    lastUsedAt: 'never',
    horizonSeconds: 1,
    emptySince: 7,
    provedBy: 'a',
    needed: '1',
  };
  for (const name of names)
    for (const state of ['met', 'unmet', 'unknown', 'of_a_later_version'])
      for (const evidence of [{}, odd]) assert.match(text(name, state, evidence), /^[A-Z0-9].*\.$/);
});
