import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kmsWaitCheck } from './kms-waits.ts';

type Line = Parameters<ReturnType<typeof kmsWaitCheck>['see']>[0];
type Kind = 'aws-denied' | 'aws-away';

const fault = (kind: Kind, b: number, e: number, tenants = ['acme']): Line => ({
  t: 'fault',
  kind,
  b: b * 1_000,
  e: e * 1_000,
  seen: true,
  harms: [],
  detail: '',
  kek: 'aws-kms:a',
  tenants,
});
const wait = (
  seconds: number,
  reason: 'kms' | 'kek_suspended',
  given: { tenant?: string; kek?: string | null } = {},
): Line => ({
  t: 'waiting',
  at: seconds * 1_000,
  id: 'rot-1',
  tenant: 'acme',
  reason,
  kek: reason === 'kms' ? null : 'aws-kms:a',
  ...given,
});
function wrong(...lines: Line[]): number {
  const check = kmsWaitCheck();
  for (const line of lines) check.see(line);
  return check.verdict().length;
}

test('who waits for a KMS that is away, or is refused by it, waits for the right reason', () => {
  const away = fault('aws-away', 100, 110);
  const denied = fault('aws-denied', 100, 110);
  assert.equal(wrong(away, wait(105, 'kms'), wait(129, 'kms')), 0);
  assert.equal(wrong(denied, wait(105, 'kek_suspended')), 0);
  assert.equal(wrong(wait(105, 'kms')), 1, 'no fault');
  assert.equal(wrong(away, wait(99, 'kms')), 1, 'before it');
  assert.equal(wrong(away, wait(131, 'kms')), 1, 'long after it');
  assert.equal(wrong(away, wait(105, 'kek_suspended')), 1, 'it did not refuse');
  assert.equal(wrong(denied, wait(105, 'kms')), 1, 'it was not away');
  assert.equal(wrong(away, wait(105, 'kms', { tenant: 'other' })), 1, 'not of that tenant');
  assert.equal(wrong(denied, wait(105, 'kek_suspended', { kek: 'aws-kms:b' })), 1, 'not that KEK');
  assert.equal(wrong(denied, wait(105, 'kek_suspended', { kek: null })), 1, 'it names none');
});

test('who was refused may say so until he has come again: for as long as that lasted, and for half a minute at the least', () => {
  const short = fault('aws-denied', 100, 110);
  assert.equal(wrong(short, wait(159, 'kek_suspended')), 0);
  assert.equal(wrong(short, wait(161, 'kek_suspended')), 1);
  const long = fault('aws-denied', 100, 300);
  assert.equal(wrong(long, wait(519, 'kek_suspended')), 0);
  assert.equal(wrong(long, wait(521, 'kek_suspended')), 1);
  const again = [short, fault('aws-denied', 150, 200)];
  assert.equal(wrong(...again, wait(319, 'kek_suspended')), 0, 'it has lasted since the first of them');
  assert.equal(wrong(...again, wait(321, 'kek_suspended')), 1);
  const endless = fault('aws-denied', 100, 5_000);
  assert.equal(wrong(endless, wait(5_619, 'kek_suspended')), 0);
  assert.equal(wrong(endless, wait(5_621, 'kek_suspended')), 1);
});
