import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rotationCore } from '../harness/rotation.ts';
import { outcome, refusal } from '../harness/vault-errors.ts';

const core = await rotationCore();
const { store, vault } = core;
const tenantId = await core.createTenant();

/** An id's collation that registration refuses came from before it did, or from somebody who altered the column since. */
async function table(name: string, idType: string, collation?: string): Promise<void> {
  await store.query(`
    create table ${name} (id ${idType} primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on ${name} (tenant_id, id); select rekey.register_target('${name}', 'secrets', '${name}')`);
  if (collation) {
    await store.query(`
      drop trigger rekey_identity_${name} on ${name};
      alter table ${name} alter id type text collate ${collation}; select rekey.install_fence('${name}')`);
  }
}

await store.query(`
  create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create collation any_accent (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
  create collation de (provider = icu, locale = 'de-DE')`);

/** By table: ids that are kept exactly, and ids that are refused. */
const kept: Record<string, { type: string; kept: string[]; refused: unknown[] }> = {
  uuids: {
    type: 'uuid',
    kept: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      randomUUID().toUpperCase(),
    ],
    refused: [
      `{${randomUUID()}}`,
      randomUUID().replaceAll('-', ''),
      ` ${randomUUID()}`,
      '',
      'x',
      7,
      null,
      undefined,
      {},
    ],
  },
  bigints: {
    type: 'bigint',
    kept: ['0', '-1', '5', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
    refused: [
      '+5',
      ' 5',
      '5 ',
      '05',
      '-0',
      '1e3',
      '5.0',
      '0x10',
      '1_000',
      '',
      '9223372036854775808',
      '٥',
      5,
      5n,
    ],
  },
  texts: {
    type: 'text',
    kept: [
      '',
      ' ',
      'a',
      'A',
      'a ',
      ' a',
      'é',
      'e\u0301',
      'ß',
      'ss',
      'İ',
      '\u{1F600}',
      '\\x00',
      "o'brien",
      '$1',
      'tab\t',
      '\u200b',
      '{a}',
      'x'.repeat(2_600),
      'x'.repeat(8_000), // compresses
    ],
    refused: [
      'nul \0',
      'lone \ud800',
      '\udc00 lone',
      'x'.repeat(1 << 20),
      randomBytes(9_000).toString('hex'),
      7,
      null,
      ['a'],
    ],
  },
  localised: {
    type: 'text collate de',
    kept: ['a', 'A', 'ä', 'a\u0308', 'ß', 'ss', ' ', ''],
    refused: ['\0'],
  },
};

for (const [name, { type, kept: good, refused }] of Object.entries(kept)) {
  test(`an id of type ${type} is kept exactly or refused as such`, async () => {
    await table(name, type);
    const value = (id: string): Buffer => Buffer.from(`value of ${id}`);
    for (const id of good) {
      await vault.put({ target: name, tenantId, id, value: value(id) });
      await vault.put({ target: name, tenantId, id, value: value(id) }); // again, over itself
    }
    await core.startAndRotate(tenantId);
    for (const id of good) {
      assert.deepEqual(await core.anotherVault().get({ target: name, tenantId, id }), value(id), id);
    }
    const { rows } = await store.query(`select id::text from ${name}`);
    const stored = type === 'uuid' ? good.map((id) => id.toLowerCase()) : good;
    assert.deepEqual(rows.map(({ id }) => id).sort(), [...stored].sort());
    for (const id of refused as string[]) {
      const put = vault.put({ target: name, tenantId, id, value: Buffer.of(1) });
      await assert.rejects(put, refusal('INVALID_ID'), String(id).slice(0, 40));
      // There is no record with an id that is only too long to be stored.
      const got = await outcome(vault.get({ target: name, tenantId, id }));
      assert.equal(got, typeof id === 'string' && id.length > 9_000 ? 'done' : 'INVALID_ID');
    }
  });
}

for (const [collation, ids] of [
  ['any_case', ['Alice', 'alice', 'ALICE']],
  ['any_accent', ['Bär', 'bar', 'BÁR']],
] as const) {
  test(`ids that ${collation} takes for one are one record, which opens for everybody`, async () => {
    const target = `logins_${collation}`;
    await table(target, 'text', collation);
    const [first, second, third] = ids;
    const put = (id: string, value: string): Promise<void> =>
      vault.put({ target, tenantId, id, value: Buffer.from(value) });
    await put(first, '1');
    for (const [n, id] of [second, third, first].entries()) {
      await put(id, `${n + 2}`);
      for (const asked of ids) {
        const got = await core.anotherVault().get({ target, tenantId, id: asked });
        assert.equal(got?.toString(), `${n + 2}`, `put ${id}, got ${asked}`);
      }
    }
    assert.deepEqual((await store.query(`select id from ${target}`)).rows, [{ id: first }]);
    const view = await core.startAndRotate(tenantId);
    assert.equal(view.status, 'completed');
    assert.equal((await vault.get({ target, tenantId, id: second }))?.toString(), '4');
  });

  test(`many at once, by ${collation}: among new ones, with a client, of another tenant, and twice`, async () => {
    const target = `many_${collation}`;
    await table(target, 'text', collation);
    const [first, second, third] = ids;
    const value = Buffer.from('first');
    await vault.put({ target, tenantId, id: first, value });
    const records = [second, 'new', 'newer'].map((id) => ({ id, value: Buffer.from(`of ${id}`) }));
    const client = await store.connect();
    try {
      await client.query('begin');
      await vault.putMany({ target, tenantId, records, client });
      await client.query('commit');
    } finally {
      client.release();
    }
    for (const { id, value: wanted } of records) {
      assert.deepEqual(await vault.get({ target, tenantId, id }), wanted);
    }
    const twice = [second, third].map((id) => ({ id, value: Buffer.of(2) }));
    await assert.rejects(vault.putMany({ target, tenantId, records: twice }), refusal('INVALID_ID'));
    const unheard = ['Zoe', 'ZOE'].map((id) => ({ id, value: Buffer.of(2) }));
    await assert.rejects(vault.putMany({ target, tenantId, records: unheard }), refusal('INVALID_ID'));
    assert.deepEqual(await vault.get({ target, tenantId, id: first }), records[0]?.value);
    const stranger = await core.createTenant();
    const steal = vault.put({ target, tenantId: stranger, id: third, value: Buffer.of(3) });
    await assert.rejects(steal, refusal('ID_TAKEN'));
    assert.equal(await vault.get({ target, tenantId: stranger, id: third }), null);
  });
}

test("a tenant's id is a UUID in either case, everywhere", async () => {
  const tenant = randomUUID().toUpperCase();
  await vault.createTenant({ tenantId: tenant, name: 'n' });
  const record = { target: 'secrets', tenantId: tenant, id: randomUUID() };
  await vault.put({ ...record, value: Buffer.of(1), columns: { name: 'n' } });
  assert.deepEqual(await vault.get({ ...record, tenantId: tenant.toLowerCase() }), Buffer.of(1));
  for (const wrong of ['', 'x', `{${tenant}}`, tenant.replaceAll('-', ''), null, undefined, 7]) {
    const ref = { ...record, tenantId: wrong as string };
    await assert.rejects(vault.get(ref), refusal('INVALID_ID'));
    await assert.rejects(vault.put({ ...ref, value: Buffer.of(1) }), refusal('INVALID_ID'));
    await assert.rejects(vault.createTenant({ tenantId: ref.tenantId, name: 'n' }), refusal('INVALID_ID'));
  }
});
