import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IdType, idText } from '@rekey/data';
import { bigintBytes, recordIdBytes } from '@rekey/envelope';
import fc from 'fast-check';
import { decodeCopy, encodeArray } from '../../packages/data/src/pg-binary.ts';
import { createTestDatabase } from '../harness/database.ts';

const database = await createTestDatabase();
const pool = database.pool();

const someId: Record<IdType, fc.Arbitrary<string>> = {
  uuid: fc.uuid(),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  text: fc
    .string({ unit: 'binary', maxLength: 40 })
    .filter((text) => !text.includes('\0') && text.isWellFormed()),
};

for (const idType of ['uuid', 'bigint', 'text'] as const) {
  test(`an array of ${idType} and its bytes arrive in Postgres as they were sent`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(someId[idType], fc.uint8Array({ maxLength: 300 })), { maxLength: 30 }),
        async (pairs) => {
          const ids = encodeArray(
            idType,
            pairs.map(([id]) => recordIdBytes(idType, id)),
          );
          const values = encodeArray(
            'bytea',
            pairs.map(([, bytes]) => Buffer.from(bytes)),
          );
          const { rows } = await pool.query(
            `select id::text, bytes from unnest($1::${idType}[], $2::bytea[]) as t(id, bytes)`,
            [ids, values],
          );
          assert.deepEqual(
            rows,
            pairs.map(([id, bytes]) => ({
              id: idType === 'uuid' ? id.toLowerCase() : id,
              bytes: Buffer.from(bytes),
            })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test(`the binary image of a ${idType} reads as Postgres writes it`, async () => {
    await fc.assert(
      fc.asyncProperty(someId[idType], async (id) => {
        const send = { uuid: 'uuid_send', bigint: 'int8send', text: 'textsend' }[idType];
        const { rows } = await pool.query(
          `select ${send}($1::${idType}) as image, $1::${idType}::text as text`,
          [id],
        );
        assert.equal(idText(idType, rows[0]?.image), rows[0]?.text);
      }),
      { numRuns: 60 },
    );
  });
}

test('an empty array, an array of empties and one large value arrive', async () => {
  const large = Buffer.alloc(12 * 1024 * 1024, 3);
  for (const elements of [[], [Buffer.of()], [Buffer.of(), Buffer.of(1), Buffer.of()], [large]]) {
    const { rows } = await pool.query('select v from unnest($1::bytea[]) v', [
      encodeArray('bytea', elements),
    ]);
    assert.equal(rows.length, elements.length);
    rows.forEach(({ v }, i) => {
      assert.ok(elements[i]?.equals(v));
    });
  }
});

/** A binary COPY output, written by hand after the manual's description. */
function copyOf(tuples: ReadonlyArray<readonly Uint8Array[]>, extension = Buffer.of()): Buffer {
  const int = (bytes: 2 | 4, value: number): Buffer => {
    const out = Buffer.alloc(bytes);
    out.writeIntBE(value, 0, bytes);
    return out;
  };
  return Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    int(4, 0),
    int(4, extension.length),
    extension,
    ...tuples.flatMap((fields) => [
      int(2, fields.length),
      ...fields.flatMap((field) => [int(4, field.length), field]),
    ]),
    int(2, -1),
  ]);
}

const someTuples = fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 4 }), {
  maxLength: 10,
});

test('every COPY output is read back as the tuples that it holds', () => {
  fc.assert(
    fc.property(someTuples, fc.uint8Array({ maxLength: 9 }), (tuples, extension) => {
      const read = decodeCopy(copyOf(tuples, Buffer.from(extension)));
      assert.deepEqual(
        read,
        tuples.map((fields) => fields.map((field) => Buffer.from(field))),
      );
    }),
  );
});

test('a COPY output that is cut off anywhere throws, and is never taken for a shorter one', () => {
  fc.assert(
    fc.property(someTuples, fc.nat(), (tuples, at) => {
      const whole = copyOf(tuples);
      assert.throws(() => decodeCopy(whole.subarray(0, at % whole.length)));
    }),
  );
  assert.throws(() => decodeCopy(Buffer.from('not a copy at all, but long enough')), /not a binary COPY/);
});

test('a bigint at either end of its range is an id as any other', () => {
  for (const id of ['-9223372036854775808', '-1', '0', '9223372036854775807']) {
    assert.equal(idText('bigint', bigintBytes(id)), id);
  }
});
