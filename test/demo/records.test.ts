import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLedger, createRecordSet, proportions } from '@rekey/demo';
import * as fc from 'fast-check';

test('85 records are the 25 credentials, 10 API keys and 50 secrets of the contract', () => {
  assert.deepEqual(proportions(85), { credentials: 25, apiKeys: 10, secrets: 50 });
});

test('any number keeps the proportions 5 : 2 : 10, and what does not divide goes to the secrets', () => {
  assert.deepEqual(proportions(1), { credentials: 0, apiKeys: 0, secrets: 1 });
  assert.deepEqual(proportions(16), { credentials: 0, apiKeys: 0, secrets: 16 });
  assert.deepEqual(proportions(17), { credentials: 5, apiKeys: 2, secrets: 10 });
  assert.deepEqual(proportions(1_000_000), { credentials: 294_115, apiKeys: 117_646, secrets: 588_239 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000_000 }), (records) => {
      const { credentials, apiKeys, secrets } = proportions(records);
      assert.equal(credentials + apiKeys + secrets, records);
      assert.equal(credentials * 2, apiKeys * 5);
      const rest = secrets - apiKeys * 5;
      assert.ok(rest >= 0 && rest < 17);
    }),
  );
});

test('the numbers of a record set run through its three tables', () => {
  const records = createRecordSet(proportions(20));
  const tables = Array.from({ length: 20 }, (_, number) => records.place(number).target);
  assert.deepEqual(tables, [
    ...Array<string>(5).fill('credentials'),
    ...Array<string>(2).fill('api_keys'),
    ...Array<string>(13).fill('secrets'),
  ]);
  assert.throws(() => records.place(20), RangeError);
  assert.deepEqual(records.place(0).columns, { name: 'Credential 1', username: 'user-1' });
  assert.deepEqual(records.place(19).columns, { name: 'Secret 13' });
});

test('ids and values follow from the secret of the run, and from nothing else', () => {
  const secret = Buffer.alloc(32, 1);
  const one = createRecordSet(proportions(85), secret);
  const again = createRecordSet(proportions(85), secret);
  const other = createRecordSet(proportions(85), Buffer.alloc(32, 2));
  assert.equal(one.place(7).id, again.place(7).id);
  assert.ok(one.value(7, 3).equals(again.value(7, 3)));
  assert.notEqual(one.place(7).id, other.place(7).id);
  assert.ok(!one.value(7, 3).equals(other.value(7, 3)));
  assert.ok(!one.value(7, 3).equals(one.value(7, 4)));
  assert.match(one.place(7).id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(Array.from({ length: 85 }, (_, number) => one.place(number).id)).size, 85);
});

test('a reader may get the last acknowledged value or one whose write has begun, and no other', () => {
  const records = createRecordSet(proportions(85));
  const ledger = createLedger(records);
  const admitted = (oldest: number): number[] =>
    [0, 1, 2, 3].filter((version) => ledger.admits(4, oldest, records.value(4, version)));

  assert.deepEqual(admitted(ledger.acknowledged(4)), [0]);
  const version = ledger.begin(4);
  assert.deepEqual(admitted(ledger.acknowledged(4)), [0, 1]);
  ledger.acknowledge(4, version);
  assert.deepEqual(admitted(ledger.acknowledged(4)), [1]);
  ledger.begin(4);
  ledger.acknowledge(4, ledger.begin(4)); // the second failed: whether it was stored is not known, the third counts
  assert.deepEqual(admitted(ledger.acknowledged(4)), [3]);
  assert.deepEqual(admitted(1), [1, 2, 3]); // asked while the first was the last
  assert.equal(ledger.admits(4, 0, records.value(5, 0)), false);
});
