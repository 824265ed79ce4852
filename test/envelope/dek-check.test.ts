import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dekCheck, EnvelopeError, isDek } from '@rekey/envelope';

const tenantId = '3fa85f64-5717-4562-b3fc-2c963f66afa6';
const dekId = '0d0f7e52-9f0c-4b43-8a29-3d1a2f0f5f11';
const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => i));

test('what a DEK is recognised by is an HMAC under its bytes, and stays what it was in every version', () => {
  const check = dekCheck(bytes, tenantId, dekId);
  const bound = Buffer.from(`${tenantId}${dekId}`.replaceAll('-', ''), 'hex');
  const hmac = createHmac('sha256', bytes).update('rekey dek check 1\0', 'latin1').update(bound).digest();
  assert.ok(check.equals(hmac));
  assert.equal(check.toString('hex'), '55da62ca1350e2a5f0b963cee6a81ff9b161011a683ec1232ab0e5e017668f54');
  assert.deepEqual([...bytes.subarray(0, 4)], [0, 1, 2, 3], 'the bytes stay the caller’s');
});

test('only these bytes of this tenant and DEK are recognised', () => {
  const check = dekCheck(bytes, tenantId, dekId);
  assert.equal(isDek(bytes, tenantId, dekId, check), true);
  const other = Buffer.from(bytes);
  other[31] = (other[31] ?? 0) ^ 1;
  for (const [what, is] of Object.entries({
    'one bit is another': isDek(other, tenantId, dekId, check),
    'other bytes': isDek(randomBytes(32), tenantId, dekId, check),
    'another tenant': isDek(bytes, randomUUID(), dekId, check),
    'another DEK': isDek(bytes, tenantId, randomUUID(), check),
    'too few': isDek(bytes.subarray(1), tenantId, dekId, check),
    'a value that was cut': isDek(bytes, tenantId, dekId, check.subarray(0, 16)),
  }))
    assert.equal(is, false, what);
  assert.throws(() => dekCheck(bytes.subarray(1), tenantId, dekId), EnvelopeError);
});
