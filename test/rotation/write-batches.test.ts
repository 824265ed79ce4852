import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  createReplacements,
  type OwnBatch,
  readSmallWindows,
  releaseLease,
  type SealedRecord,
  writeBatches,
} from '@rekey/data';
import { openSweepStore } from '@rekey/db';
import { formatOf } from '@rekey/envelope';
import { bytesOf } from '../harness/damage.ts';
import { patient } from '../harness/patient.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { beginSweep, type SweepStep } from '../harness/sweep-step.ts';

const core = await rotationCore();

interface Ready {
  readonly step: SweepStep;
  readonly ids: readonly string[];
  readonly read: readonly SealedRecord[];
}

/** Tenants whose records were read, and nothing of them written. */
async function ready(tenants: number, records = 3): Promise<Ready[]> {
  const all: Ready[] = [];
  for (let n = 0; n < tenants; n += 1) {
    const { tenantId, ids } = await core.tenantWith(records);
    const step = await beginSweep(core, tenantId);
    all.push({ step, ids, read: await step.read() });
  }
  return all;
}

/** As a sweep makes it of these records; one of another tenant's is sealed as if it were this one's. */
async function batchOf({ step, read }: Ready, records: readonly SealedRecord[] = read): Promise<OwnBatch> {
  const { env, tenantId, newKeyNumber, target, lease } = step;
  const { identityBytes, at } = formatOf(target.format);
  const cipher = at({ tenantId, column: target.column });
  const [from, to] = [
    await env.keyring.byNumber(tenantId, newKeyNumber - 1),
    await env.keyring.byNumber(tenantId, newKeyNumber),
  ];
  assert.ok(from !== null && to !== null);
  const replacements = createReplacements(target, { identityBytes, items: records.length, bytes: 0 });
  for (const record of records) {
    const { id: recordId, ciphertext } = record;
    const order = { recordId, ciphertext, from: from.key, to: to.key, toKeyNumber: newKeyNumber };
    if (read.includes(record))
      replacements.add(record, (into, place) => cipher.reencrypt(order, into, place));
    else replacements.add(record, (into, place) => ciphertext.copy(into, place));
  }
  return { target, lease, batch: { tenantId, newKeyNumber, replacements, setAside: [], cursor: null } };
}

async function write(all: readonly Ready[], batches?: readonly OwnBatch[]): Promise<Array<number | null>> {
  return writeBatches(core.env.sweepStore, batches ?? (await Promise.all(all.map((one) => batchOf(one)))));
}

async function underNewKey({ step, ids }: Ready): Promise<number> {
  const { rows } = await core.pool.query(
    'select count(*)::int as n from secrets where id = any ($1) and key_number = $2',
    [ids, step.newKeyNumber],
  );
  return rows[0].n;
}

const opened = async ({ step }: Ready, id: string | undefined): Promise<string | undefined> =>
  (await core.vault.get({ target: 'secrets', tenantId: step.tenantId, id: id ?? '' }))?.toString();

test('batches of several tenants are written together, each under its own DEK, and told one by one', async () => {
  const all = await ready(3);
  assert.deepEqual(await write(all), [3, 3, 3]);
  for (const one of all) {
    assert.equal(await underNewKey(one), 3);
    for (const id of one.ids) assert.equal(await opened(one, id), firstSecret(id).toString());
  }
});

test('what was written since it was read stays, even under the key number that it was read under', async () => {
  const [first, second] = await ready(2);
  assert.ok(first && second);
  const [stale, written] = first.ids;
  const before = await bytesOf(core.pool, 'secrets', stale ?? '');
  for (const id of [stale, written])
    await core.vault.put({
      target: 'secrets',
      tenantId: first.step.tenantId,
      id: id ?? '',
      value: Buffer.from('newer'),
    });
  // One of them stands under its old number again, with bytes that nobody read.
  await core.pool.query('alter table secrets disable trigger user');
  try {
    const other = Buffer.from(before);
    other.writeUInt8(before.readUInt8(12) ^ 1, 12);
    await core.pool.query('update secrets set ciphertext = $2, key_number = $3 where id = $1', [
      stale,
      other,
      first.step.newKeyNumber - 1,
    ]);
    assert.deepEqual(await write([first, second]), [1, 3]);
    assert.deepEqual(await bytesOf(core.pool, 'secrets', stale ?? ''), other);
  } finally {
    await core.pool.query('alter table secrets enable trigger user');
  }
  assert.equal(await opened(first, written), 'newer');
});

test('a record of another tenant is left alone, whatever a batch says of it', async () => {
  const [first, second] = await ready(2);
  const [foreign] = second?.read ?? [];
  assert.ok(first && second && foreign);
  const own = await batchOf(first, [...first.read, foreign]);
  assert.deepEqual(await write([first], [own]), [3]);
  assert.equal(await underNewKey(second), 0);
  for (const id of second.ids) assert.equal(await opened(second, id), firstSecret(id).toString());
});

test('of a range whose lease is lost nothing is written, and everything of the others', async () => {
  const [lost, kept] = await ready(2);
  assert.ok(lost && kept);
  const batches = [await batchOf(lost), await batchOf(kept)];
  await releaseLease(core.env.sweepStore, lost.step.lease);
  assert.deepEqual(await write([lost, kept], batches), [null, 3]);
  assert.deepEqual([await underNewKey(lost), await underNewKey(kept)], [0, 3]);
});

test('where a trigger puts other bytes in the place of one, nothing of any is written', async () => {
  const all = await ready(2);
  await core.pool.query(`
    create function alters() returns trigger language plpgsql as $$
      begin new.ciphertext := set_byte(new.ciphertext, 20, get_byte(new.ciphertext, 20) # 1); return new; end $$;
    create trigger alters before update on secrets for each row when (old.id = '${all[1]?.ids[1]}') execute function alters()`);
  try {
    await assert.rejects(write(all), { code: 'REFUSED', sqlState: 'RK009' });
  } finally {
    await core.pool.query('drop trigger alters on secrets');
  }
  for (const one of all) assert.equal(await underNewKey(one), 0);
});

test('a record that an application holds is left out, and never waited for while others are held', async () => {
  const [first, second] = await ready(2);
  assert.ok(first && second);
  const batches = [await batchOf(first), await batchOf(second)];
  const client = await core.pool.connect();
  try {
    await client.query('begin');
    await client.query('select from secrets where id = $1 for update', [second.ids[1]]);
    const writing = write([first, second], batches);
    // It holds the first tenant's records, or is about to, and wants the second's: the application is served, not it.
    await client.query(`update secrets set name = 'renamed' where id = any ($1)`, [first.ids]);
    const [ofFirst = 0, ofSecond] = await writing;
    assert.equal(ofSecond, 2);
    assert.ok(ofFirst !== null && ofFirst <= 3);
    await client.query('commit');
  } finally {
    await client.query('rollback');
    client.release();
  }
  const { rows } = await core.pool.query(
    `select count(*)::int as n from secrets where id = any ($1) and name = 'renamed'`,
    [first.ids],
  );
  assert.equal(rows[0].n, 3);
});

test('what a trigger waits for ends the joint write at once, with nothing held and the session as it was', async () => {
  const all = await ready(2);
  const sweepStore = openSweepStore({ ...patient, url: core.database.url, max: 1, onError: () => {} });
  const client = await core.pool.connect();
  const batches = await Promise.all(all.map((one) => batchOf(one)));
  try {
    await core.pool.query(`
      create function waits() returns trigger language plpgsql as $$
        begin
          if current_setting('lock_timeout') <> '5ms' then raise exception 'it would wait for long'; end if;
          perform pg_advisory_xact_lock(4711);
          return new;
        end $$;
      create trigger waits before update on secrets for each row when (old.id = '${all[1]?.ids[2]}') execute function waits()`);
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock(4711)');
    const [{ timeout }] = (await sweepStore.query(`select current_setting('lock_timeout') as timeout`)).rows;
    await assert.rejects(writeBatches(sweepStore, batches), {
      code: 'LOCKED',
    });
    // Postgres tells an error a moment before it lets go.
    await client.query(`set local lock_timeout = '5s'`);
    await client.query('select from secrets where id = any ($1) for update', [all[0]?.ids]);
    const after = (await sweepStore.query(`select current_setting('lock_timeout') as timeout`)).rows;
    assert.deepEqual(after, [{ timeout }]);
  } finally {
    await client.query('rollback');
    client.release();
    await core.pool.query('drop trigger if exists waits on secrets');
    await sweepStore.end();
  }
  assert.deepEqual(await write(all, batches), [3, 3]);
});

test('a tenant that has grown is none of the small ones, and others are read whole beside it', async () => {
  const { tenantId } = await core.tenantWith(399);
  const [small] = await ready(1, 2);
  assert.ok(small);
  const { target } = small.step;
  const orders = [
    { target, tenantId, newKeyNumber: 2 },
    { target, tenantId: small.step.tenantId, newKeyNumber: 2 },
    { target, tenantId: randomUUID(), newKeyNumber: 1 },
  ];
  const lengths = async (): Promise<Array<number | undefined>> => {
    const windows = await readSmallWindows(core.env.sweepStore, orders);
    const found = windows.map((window) => window?.records.length);
    // Once too often does no harm to the others, who look at the same memory.
    for (let times = 0; times < windows.length; times += 1) windows[2]?.[Symbol.dispose]();
    assert.notEqual(windows[1]?.records.at(0).ciphertext.readInt32BE(0), 0);
    for (const window of windows) window?.[Symbol.dispose]();
    return found;
  };
  assert.deepEqual(await lengths(), [399, 2, 0]);
  const id = randomUUID();
  await core.vault.put({
    target: 'secrets',
    tenantId,
    id,
    value: firstSecret(id),
    columns: { name: 'one more' },
  });
  assert.deepEqual(await lengths(), [undefined, 2, 0]);
});
