import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { Pool } from 'pg';
import { thisFile } from '../harness/cleanup.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { startStandby } from '../harness/standby.ts';
import { until } from '../harness/wait.ts';

const batch = 50;
/** A second beyond which a standby is behind; the worker sweeps slowly enough to be met many times. */
const lagSeconds = 2;

const server = await startPostgres({
  settings: { archive_mode: 'on', shared_buffers: '64MB', wal_sender_timeout: '300s' },
});
thisFile.after(() => server.stop());
const databaseUrl = await createDatabase(server.url, 'rekey_throttle');
await migrate(databaseUrl);
const pool = new Pool({ connectionString: databaseUrl, max: 4 });
pool.on('error', () => {});
thisFile.after(() => pool.end());
const archiving = async (command: string): Promise<void> => {
  await pool.query(`alter system set archive_command = '${command}'`);
  await pool.query('select pg_reload_conf()');
};
await archiving('/bin/true');
await pool.query(`create schema ops`);
await pool.query(`create table ops.gate as select 0 as closed`);
await pool.query(
  `create role gatekeeper; grant usage on schema ops to gatekeeper; grant select on ops.gate to gatekeeper`,
);
const follower = await startStandby(server, 'follower');
await startStandby(server, 'delayed', { recovery_min_apply_delay: '1h' });
await pool.query(`select pg_create_physical_replication_slot('dead', true)`);

let answer = (response: ServerResponse): void => void response.writeHead(200).end();
const gate = createServer((_, response) => answer(response));
await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
thisFile.after(async () => {
  gate.closeAllConnections();
  gate.close();
});
const address = gate.address();
const gateUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/gate`;

const rekey = await installation({
  databaseUrl,
  workers: 2,
  workerEnv: {
    THROTTLE: 'on',
    WORKER_CONCURRENCY: '1', // each sweeps one range at a time: neither can have all of them
    BATCH_SIZE: String(batch),
    ITEMS_PER_SECOND_MAX: '400',
    THROTTLE_LAG_SECONDS: String(lagSeconds),
    THROTTLE_SESSIONS: '1000', // the test's own statements and the machine's noise are no application
    THROTTLE_HTTP: gateUrl,
    THROTTLE_SQL: 'select closed from ops.gate',
    THROTTLE_SQL_ROLE: 'gatekeeper',
  },
});
const tenant = await rekey.seedTenant(50_000);
const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
const id = rotationId.slice(4);

interface Throttled extends StatusData {
  readonly throttledBy: { readonly signal: string; readonly detail: string; readonly since: string } | null;
}
const status = async (): Promise<Throttled> => (await rekey.status(rotationId)).body.data as Throttled;
const rotated = async (): Promise<number> => {
  const { rows } = await pool.query(
    `select coalesce(sum(rotated), 0)::int as rotated from rekey.rotation_ranges where rotation_id = $1`,
    [id],
  );
  return rows[0].rotated;
};
const stopped = async (signal: string): Promise<boolean> => {
  const { rows } = await pool.query(
    `select count(*)::int as processes from rekey.rotation_throttles
     where rotation_id = $1 and signal = $2 and level = 'stop'`,
    [id, signal],
  );
  return rows[0].processes === 2;
};
const sweepsOn = async (items = 200): Promise<void> => {
  const from = await rotated();
  await until(async () => (await rotated()) >= from + items, {
    what: 'the sweep goes on',
    timeoutMs: 90_000,
  });
};

/** Both workers stop for it, each with no more than the batches that its ranges had under way; and go on when it is over. */
async function stopsFor(
  signal: string,
  { cause, cure, says }: { cause: () => unknown; cure: () => unknown; says: RegExp },
): Promise<void> {
  await sweepsOn();
  await cause();
  try {
    await until(() => stopped(signal), { what: `both stop for ${signal}`, timeoutMs: 90_000 });
    const at = await rotated();
    const { throttledBy, status: state } = await until(
      async () => {
        const seen = await status();
        const { throttledBy } = seen;
        return throttledBy?.signal === signal && says.test(throttledBy.detail) && seen;
      },
      { what: `the status says ${signal}: ${says}` },
    );

    assert.equal(state, 'in_progress');
    assert.ok(Date.parse(throttledBy?.since ?? '') > Date.now() - 120_000);
    await sleep(2_000); // in which two workers write 1,600 records otherwise
    // Two workers with one range each, whose next batches may be read ahead, and the machine may have stood still between stop and look.
    assert.ok((await rotated()) - at <= 6 * batch, `it stands still for ${signal}`);
  } finally {
    await cure();
  }
  await sweepsOn();
}

test('a delayed standby and a dead slot do not stop it; a switch by SQL does, asked by a role of its own', async () => {
  await until(async () => (await status()).phase === 'sweeping', { what: 'it sweeps' });
  // Longer than a standby may be behind: what is not to stop it has had its time.
  await sweepsOn(400 * (lagSeconds + 2));
  const { rows } = await pool.query(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint::int as behind from pg_stat_replication
     where application_name = 'delayed'`,
  );
  assert.ok(rows[0].behind > 100_000, 'the delayed standby has replayed nothing of it');
  await stopsFor('query', {
    cause: () => pool.query('update ops.gate set closed = 7'),
    cure: () => pool.query('update ops.gate set closed = 0'),
    says: /^THROTTLE_SQL says 7$/,
  });
  await stopsFor('query', {
    cause: () => pool.query('revoke select on ops.gate from gatekeeper'),
    cure: () => pool.query('grant select on ops.gate to gatekeeper'),
    says: /could not be asked/,
  });
});

test('a switch by HTTP stops it by 503, by a redirect, and when it does not answer', async () => {
  const open = (response: ServerResponse): void => void response.writeHead(200).end();
  const ways: Array<[(response: ServerResponse) => void, RegExp]> = [
    [(response) => response.writeHead(503).end(), /^THROTTLE_HTTP answers 503$/],
    [(response) => response.writeHead(302, { location: gateUrl }).end(), /answers 302$/],
    [() => {}, /no answer within 1 s$/],
  ];
  for (const [way, says] of ways)
    await stopsFor('http', {
      cause: () => {
        answer = way;
      },
      cure: () => {
        answer = open;
      },
      says,
    });
});

test('an archiver that fails stops it', async () => {
  await stopsFor('wal_archive', {
    cause: async () => {
      await archiving('/bin/false');
      await pool.query('select pg_switch_wal()');
    },
    cure: () => archiving('/bin/true'),
    says: /^archiving of WAL fails/,
  });
});

test('a standby that replays nothing any more stops it, and one that receives nothing', async () => {
  const standby = new Pool({ connectionString: follower.url, max: 1 });
  try {
    await stopsFor('lag', {
      cause: () => standby.query('select pg_wal_replay_pause()'),
      cure: () => standby.query('select pg_wal_replay_resume()'),
      says: /^follower .*replays/,
    });
    const { rows } = await standby.query('select pid from pg_stat_wal_receiver');
    await stopsFor('lag', {
      cause: () => process.kill(rows[0].pid, 'SIGSTOP'),
      cure: () => process.kill(rows[0].pid, 'SIGCONT'),
      says: /^follower /,
    });
  } finally {
    await standby.end();
  }
});

test('somebody who keeps all records locked stops it', async () => {
  const locker = await pool.connect();
  await stopsFor('locks', {
    cause: async () => {
      await locker.query('begin');
      for (const table of ['credentials', 'api_keys', 'secrets'])
        await locker.query(`select from ${table} where tenant_id = $1 for update`, [tenant.tenantId]);
    },
    cure: () => locker.query('rollback'),
    says: /batches met records or tables that others keep locked$/,
  });
  locker.release();
});

test('it ends, each time was told by events, and none of them named the delayed standby', async () => {
  await pool.query(`update ops.gate set closed = 0`);
  await until(async () => (await status()).throttledBy === null, {
    what: 'nothing holds it back',
    timeoutMs: 90_000,
  });
  const { rows } = await pool.query<{
    kind: string;
    signal: string | null;
    detail: string | null;
    who: string;
  }>(
    `select kind, payload ->> 'signal' as signal, payload ->> 'detail' as detail, actor ->> 'kind' as who
     from rekey.events where rotation_id = $1 and kind in ('rotation.throttled', 'rotation.unthrottled') order by sequence`,
    [id],
  );
  assert.ok(rows.every(({ who }) => who === 'worker'));
  for (const signal of ['query', 'http', 'wal_archive', 'lag', 'locks'])
    assert.ok(
      rows.some((event) => event.kind === 'rotation.throttled' && event.signal === signal),
      signal,
    );
  assert.ok(rows.every(({ detail }) => !(detail ?? '').includes('delayed')));
  assert.equal(rows.at(-1)?.kind, 'rotation.unthrottled');
  const warned = rekey.workers.map((worker) => worker.logs().includes('"slot":"dead"'));
  assert.deepEqual(warned, [true, true]);
  assert.equal((await rekey.cancel(rotationId)).status, 200);
});
