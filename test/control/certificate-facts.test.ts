import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { reportUsage } from '@rekey/control';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { fakeGcpKms, newVersion } from '../harness/fake-gcp-kms.ts';
import { rotationCore } from '../harness/rotation.ts';
import { application, core as desk, worker } from './destruction-desk.ts';

const core = await rotationCore();
const { pool } = core;
const factsOf = async (rotationId: string): Promise<Record<string, unknown>> =>
  (await pool.query('select rekey.certificate_facts($1) as facts', [rotationId])).rows[0].facts;

test('the version of a KEK is read from what its KMS wrapped, and of others none is claimed', async (t) => {
  const version = async (uri: string, wrapped: Buffer): Promise<string | null> =>
    (await pool.query('select rekey.kek_version_of($1, $2) as version', [uri, wrapped])).rows[0].version;
  const fake = await fakeGcpKms(t);
  process.env.GOOGLE_APPLICATION_CREDENTIALS = await fake.accounts.serviceAccountFile();
  const kek = await openKek(fake.uri());
  t.after(() => kek.close());
  const aad = dekWrapAad(randomUUID(), randomUUID());
  assert.equal(await version(kek.uri, await kek.wrap(generateDek(), aad)), '1');
  fake.keys.get(fake.name)?.push(newVersion());
  assert.equal(await version(kek.uri, await kek.wrap(generateDek(), aad)), '2');
  const head = (first: number, rest: string): Buffer =>
    Buffer.concat([Buffer.of(first), Buffer.from(rest, 'hex'), Buffer.alloc(60)]);
  assert.equal(await version('hcvault://127.0.0.1/transit/a', head(1, 'ffffffff')), '4294967295');
  const azure = '0123456789abcdef0123456789abcdef';
  assert.equal(await version('azure-kv://a.vault.azure.net/a', head(2, `aabbccdd${azure}`)), azure);
  for (const [uri, wrapped] of [
    ['aws-kms://eu-west-1/a', head(1, '00000001')],
    ['local:/a', head(1, '00000001')],
    ['gcp-kms://a', head(2, '00000001')],
    ['gcp-kms://a', Buffer.of(1, 0, 0)],
    ['azure-kv://a', Buffer.alloc(0)],
  ] as const)
    assert.equal(await version(uri, wrapped), null, uri);
});

test('why it was asked for stands in the facts of a rotation, as it was given', async () => {
  const reasonFor = async (reason: string | null): Promise<unknown> => {
    const { tenantId } = await core.tenantWith(2);
    const started = await core.tryToStart(tenantId, { reason: reason ?? undefined });
    assert.ok(started.kind === 'started');
    const rotation = started.view.id;
    assert.equal((await core.finish(rotation)).status, 'completed');
    return (await factsOf(rotation)).reason;
  };
  assert.equal(await reasonFor('Ådas “yearly” rotation\u2028'), 'Ådas “yearly” rotation\u2028');
  assert.equal(await reasonFor(null), null);
});

const report = (
  latencies: Record<string, unknown>,
  kind: 'vault' | 'worker' = 'vault',
  processId: string = randomUUID(),
) =>
  reportUsage(kind === 'vault' ? application : worker, {
    ...{ processId, kind, host: 'a-host', version: '1', ends: false, toldAll: true, opened: [], proved: [] },
    latencies: latencies as Parameters<typeof reportUsage>[1]['latencies'],
  });

test('what applications report of their latencies is kept, and what is no figure is passed over', async () => {
  const processId = randomUUID();
  await report(
    { open: { count: 3, p50: 0.25, p99: 4 }, reencrypt: { count: 1, p50: 1, p99: 1 } },
    'vault',
    processId,
  );
  await report({ open: { count: 5, p50: 0.5, p99: 2 } }, 'vault', processId);
  await report({ open: { count: 7, p50: 9, p99: 9 } }, 'worker');
  for (const odd of [
    { open: { count: -1, p50: 1, p99: 1 } },
    { open: { count: 1, p50: 'NaN', p99: 1 } },
    { open: { count: 1, p50: 1, p99: 1e300 } },
    { open: [] },
    { seal: null },
  ])
    await report(odd);
  const { rows } = await desk.pool.query(
    `select operation, sum(reports)::int as reports, sum(operations)::int as operations, min(p50_least)::int as p50,
       max(p99_most)::int as p99 from rekey.reported_latencies group by operation`,
  );
  assert.deepEqual(rows, [{ operation: 'open', reports: 2, operations: 8, p50: 250, p99: 4_000 }]);
});

test('a report that would wait for another one is passed over, and is heard all the same', async (t) => {
  const processId = randomUUID();
  const client = await desk.pool.connect();
  t.after(() => client.release());
  await client.query('begin');
  await client.query(`select rekey.keep_latencies($1, '{"seal": {"count": 1, "p50": 1, "p99": 1}}')`, [
    processId,
  ]);
  await report({ seal: { count: 1, p50: 1, p99: 1 } }, 'vault', processId);
  await client.query('rollback');
  const { rows } = await desk.pool.query('select from rekey.processes where id = $1', [processId]);
  assert.equal(rows.length, 1);
  const { rows: kept } = await desk.pool.query(
    `select from rekey.reported_latencies where operation = 'seal'`,
  );
  assert.equal(kept.length, 0);
});

test('a certificate has what was reported before its rotation and during it, named as reported', async () => {
  const { tenantId } = await core.tenantWith(2);
  const { id: rotationId } = await core.startAndRotate(tenantId);
  assert.ok(!('reportedLatencies' in (await factsOf(rotationId))), 'left out where nothing was');
  const put = (seconds: number, slot: number, least: number, most: number) =>
    pool.query(
      `insert into rekey.reported_latencies
       select date_bin('10 seconds', started_at, 'epoch') - $2 * interval '1 second', 'open', $3, 1, 10, $4, $5, $4, $5
       from rekey.rotations where id = $1`,
      [rotationId, seconds, slot, least, most],
    );
  await put(10, 0, 5, 7);
  await put(60, 1, 3, 6);
  await put(700, 0, 1, 99);
  await put(-20, 0, 1, 99);
  const figures = { p50Micros: { least: 3, most: 7 }, p99Micros: { least: 3, most: 7 } };
  assert.deepEqual((await factsOf(rotationId)).reportedLatencies, {
    claim: 'reported by applications, not proved',
    before: { open: { reports: 2, operations: 20, ...figures } },
    during: null,
  });
  const { rows } = await pool.query(
    `select rekey.latencies_reported(started_at, started_at + interval '1 minute') as during
     from rekey.rotations where id = $1`,
    [rotationId],
  );
  assert.equal(rows[0].during.open.p99Micros.most, 99);
});
