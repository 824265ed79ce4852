/**
 * Rotations of many tenants at once, and what the chains of their events are afterwards. With CHAIN_ROTATIONS=1000 those of 200
 * tenants, on a machine that has nothing else to do: there are five calls for each tenant.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextEvents, type UnwrittenEvent } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store } = core;
const rotations = Number(process.env.CHAIN_ROTATIONS ?? 200);
const callsPerTenant = 5;
/** Under way at one time; the other calls stand in line for their tenants. */
const atOnce = 40;

/** Lets so many in at one time. */
function gate(free: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: Array<() => void> = [];
  let left = free;
  return async (work) => {
    if (left === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else left -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) left += 1;
      else next();
    }
  };
}

/** A call that is told again and again that another rotation of the tenant runs, until its own may. */
async function rotateInTurn(tenantId: string, enter: ReturnType<typeof gate>): Promise<string> {
  for (;;) {
    const status = await enter(async () => {
      const started = await core.tryToStart(tenantId);
      return started.kind === 'started' ? (await core.finish(started.view.id)).status : undefined;
    });
    if (status !== undefined) return status;
    await sleep(200 + Math.random() * 800);
  }
}

/** Takes events as a worker does that writes them to its log, until told to end and nothing is left. */
async function readAll(ended: AbortSignal): Promise<string[]> {
  const [reader, names] = [randomUUID(), [] as string[]];
  for (let batch: UnwrittenEvent[] = []; ; ) {
    const isLast = ended.aborted;
    batch = await nextEvents(store, reader, batch, 200);
    names.push(...batch.map(({ chain, sequence }) => `${chain}/${sequence}`));
    if (batch.length > 0) continue;
    if (isLast) return names;
    await sleep(20);
  }
}

const tenants = await Promise.all(
  Array.from({ length: rotations / callsPerTenant }, () => core.createTenant()),
);

test(`${rotations} rotations of ${tenants.length} tenants at once leave chains without a gap, and each event is read once`, async (t) => {
  for (const tenantId of tenants.slice(0, 10))
    await core.vault.put({
      target: 'secrets',
      tenantId,
      id: randomUUID(),
      value: Buffer.of(1),
      columns: { name: 'a secret' },
    });
  const began = performance.now();
  const ended = new AbortController();
  const reading = readAll(ended.signal);
  const enter = gate(atOnce);
  // What belongs to no tenant has one chain for all.
  const typing = Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      await sleep(Math.random() * 2_000);
      return store.query(`update rekey.settings set value = $1 where name = 'value_bytes_max'`, [1_000 + n]);
    }),
  );
  const calls = Array.from({ length: rotations }, (_, n) =>
    rotateInTurn(tenants[n % tenants.length] ?? '', enter),
  );
  const statuses = await Promise.all(calls);
  await typing;
  ended.abort();
  const read = await reading;
  const seconds = (performance.now() - began) / 1_000;

  assert.deepEqual([...new Set(statuses)], ['completed']);
  assert.deepEqual((await store.query('select * from rekey.verify_events()')).rows, []);
  const { rows: gaps } = await store.query(
    `select c.chain from rekey.event_chains c left join rekey.events e on e.chain = c.chain
     group by c.chain, c.sequence having count(e) <> c.sequence or min(e.sequence) <> 1 or max(e.sequence) <> c.sequence`,
  );
  assert.deepEqual(gaps, []);
  const { rows: all } = await store.query<{ name: string; kind: string }>(
    `select chain || '/' || sequence as name, kind from rekey.events`,
  );
  const count = (kind: string): number => all.filter((event) => event.kind === kind).length;
  for (const kind of ['requested', 'switched', 'drained', 'completed'])
    assert.equal(count(`rotation.${kind}`), rotations, kind);
  assert.equal(count('setting.changed'), 40);
  assert.deepEqual(read.sort(), all.map(({ name }) => name).sort());
  t.diagnostic(
    `${rotations} rotations of ${tenants.length} tenants in ${seconds.toFixed(1)} s: ${all.length} events in ` +
      `${tenants.length + 1} chains, none missing, each read once`,
  );
});

const changes: Record<string, string> = {
  chain: 'gen_random_uuid()',
  sequence: 'sequence + 1000',
  version: 'version + 1',
  kind: `kind || 'x'`,
  at: `at - interval '1 microsecond'`,
  actor: `actor || '{"id": "mallory"}'`,
  database_role: `database_role || 'x'`,
  rotation_id: 'gen_random_uuid()',
  payload: `payload || '{"x": 1}'`,
  previous: 'sha256(previous)',
  hash: 'sha256(hash)',
};

test('whichever row of a chain is changed in whichever column, deleted, or put in the place of the next, is found', async (t) => {
  const [chain = ''] = tenants;
  const { rows: columns } = await store.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = 'rekey.events'::regclass and attnum > 0 and not attisdropped`,
  );
  assert.deepEqual(columns.map(({ name }) => name).sort(), Object.keys(changes).sort());
  const { rows: events } = await store.query<{ sequence: string }>(
    'select sequence from rekey.events where chain = $1 order by sequence',
    [chain],
  );
  assert.ok(events.length > 8 * callsPerTenant);
  const client = await store.connect();
  const unseen: string[] = [];
  let tried = 0;
  try {
    await client.query(
      `begin; set local session_replication_role = replica;
       alter table rekey.events drop constraint events_pkey, drop constraint events_sequence_check, drop constraint events_kind_check`,
    );
    for (const { sequence } of events) {
      const here = `chain = '${chain}' and sequence = ${sequence}`;
      const next = Number(sequence) + 1;
      const tamperings = Object.entries(changes).map(
        ([column, value]) => `update rekey.events set ${column} = ${value} where ${here}`,
      );
      tamperings.push(`delete from rekey.events where ${here}`);
      if (next <= events.length)
        tamperings.push(
          `update rekey.events set sequence = ${2 * next - 1} - sequence where chain = '${chain}' and sequence in (${sequence}, ${next})`,
        );
      for (const tampering of tamperings) {
        await client.query('savepoint before');
        const { rowCount } = await client.query(tampering);
        assert.ok(rowCount !== null && rowCount > 0, tampering);
        const found = await client.query('select from rekey.verify_events($1)', [chain]);
        if (found.rowCount === 0) unseen.push(tampering);
        await client.query('rollback to before');
        tried += 1;
      }
    }
    assert.deepEqual((await client.query('select * from rekey.verify_events($1)', [chain])).rows, []);
  } finally {
    await client.query('rollback');
    client.release();
  }
  assert.deepEqual(unseen, []);
  t.diagnostic(`${tried} ways to change ${events.length} events`);
});
