import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '@rekey/db';
import { createKeks, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { Client, Pool } from 'pg';
import type { Owner } from '../harness/cleanup.ts';
import type { Installation } from '../harness/installation.ts';
import { waitsBehindOurs } from '../harness/lock-waits.ts';
import { patient } from '../harness/patient.ts';
import { insertSecret } from '../harness/sealed.ts';
import { seedTenant } from '../harness/seed.ts';
import { sqlState } from '../harness/session.ts';
import { watchStalls } from '../harness/stalls.ts';
import { until } from '../harness/wait.ts';
import { slowKms } from './slow-kms.ts';

export interface Scale {
  /** Of the tenant whose key is compromised. */
  readonly records: number;
  /** Ordinary rotations of other tenants, called for just before. */
  readonly queue: number;
  readonly kmsMs: number;
  /** The setting `compromise_patience_seconds`. */
  readonly patienceSeconds: number;
}

export interface Figures {
  readonly callMs: number;
  /** From the call until the switch, by the database's clock. */
  readonly switchedAfterMs: number;
  /** Behind the switch: what writes under the old key come to, of a stranger and of who holds it. */
  readonly refused: { readonly stranger: string | undefined; readonly holder: string | undefined };
  /** Records under older keys, counted from the switch on: whether their number ever grew. */
  readonly grew: boolean;
  readonly holderEnded: boolean;
  /** Of the application: the longest, without what the machine stood still for; and how long one waited for a lock of ours. */
  readonly writes: {
    readonly count: number;
    readonly failed: number;
    readonly longestMs: number;
    readonly p99Ms: number;
    readonly lockWaitMs: number;
  };
  readonly blastRadiusMs: number;
  readonly completedAfterMs: number;
  /**
   * Of the queue: how many were completed before the switch, while records were still to be swept, and before the compromised key
   * was empty, for which who holds it is waited for.
   */
  readonly ordinaryBefore: { readonly switch: number; readonly swept: number; readonly end: number };
  readonly leftOnOlderKeys: number;
}

/** What a fire would be, played on a whole installation: a paused rotation is there, and somebody holds a transaction open. */
export async function fireDrill(
  rekey: Installation,
  { records, queue, kmsMs, patienceSeconds }: Scale,
  owner: Owner,
): Promise<Figures> {
  const { store, databaseUrl } = rekey;
  const pool = new Pool({ connectionString: databaseUrl, max: 4, application_name: 'drill' });
  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));
  owner.after(() => pool.end());
  const appStore = openStore({
    ...patient,
    url: databaseUrl,
    applicationName: 'the application',
    onError: () => {},
  });
  owner.after(() => appStore.end());
  const { uri, env } = await slowKms(kmsMs, owner);
  Object.assign(process.env, env);
  const kek = await openKek(uri);
  owner.after(() => kek.close());
  await rekey.vault.close(); // it lacks that KEK, and would say so
  const vault = createVault({ store: appStore, kek: createKeks(rekey.kek, kek) });
  owner.after(() => vault.close());
  await store.query(`select rekey.change_setting('compromise_patience_seconds', $1)`, [patienceSeconds]);
  const { tenantId, records: seeded } = await seedTenant(vault, records);
  const others = await Promise.all(Array.from({ length: queue }, () => seedTenant(vault, 17)));
  const call = (path: string, body?: object): Promise<Response> =>
    fetch(`${rekey.apis[0]?.url}/api/v1/admin/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${rekey.token}`,
        'content-type': 'application/json',
        'x-tenantid': tenantId,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const worker = await rekey.addWorker({
    ...env,
    KEK_URI: uri,
    KEK_URIS_UNWRAP_ONLY: `local:${rekey.kekFile}`,
  });

  const switched = (id: string): Promise<unknown> =>
    until(
      async () =>
        (
          await store.query('select from rekey.rotations where id = $1 and switched_at is not null', [
            id.slice(4),
          ])
        ).rowCount === 1,
      { what: `${id} has switched`, everyMs: 2 },
    );

  // A rotation in the midst of its sweep, paused.
  const { rotationId: ordinary } = (await rekey.rotate(tenantId)).body.data;
  await switched(ordinary);
  await call(`dek/rotations/${ordinary}/pause`, {});

  const holder = new Client({ connectionString: rekey.databaseUrl, application_name: 'forgetful' });
  let holderEnded = false;
  holder.on('error', () => {
    holderEnded = true;
  });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select rekey.hold_dek($1)', [tenantId]);
  await holder.query('savepoint s');

  // The application goes on.
  let writing = true;
  const stalls = await watchStalls(pool);
  const latencies: number[] = [];
  let lockWaitMs = 0;
  const watchLocks = async (): Promise<void> => {
    while (writing) {
      for (const { waiting } of await waitsBehindOurs(pool))
        if (waiting.name === 'the application') lockWaitMs = Math.max(lockWaitMs, waiting.ms);
      await sleep(20);
    }
  };
  let failed = 0;
  const ids = seeded.filter(({ target }) => target === 'secrets').map(({ id }) => id);
  const write = async (): Promise<void> => {
    while (writing) {
      const id = ids[Math.floor(Math.random() * ids.length)] ?? randomUUID();
      const begunMs = performance.now();
      await vault
        .put({ target: 'secrets', tenantId, id, value: Buffer.from(`written at ${begunMs}`) })
        .catch(() => {
          failed += 1;
        });
      const endedMs = performance.now();
      latencies.push(endedMs - begunMs - stalls.between(begunMs, endedMs));
      await sleep(5);
    }
  };
  const working = [...Array.from({ length: 4 }, write), watchLocks()];
  await sleep(200);

  await Promise.all(others.map((other) => rekey.rotate(other.tenantId)));
  const calledMs = performance.now();
  const started = (await (await call('dek/rotate', { tenantId, compromise: true })).json()) as {
    data: { rotationId: string; previousKeyId: string };
  };
  const callMs = performance.now() - calledMs;
  const { rotationId, previousKeyId } = started.data;
  await switched(rotationId);
  const refused = {
    stranger: await sqlState(insertSecret(store, tenantId, 2)),
    holder: await sqlState(insertSecret(holder, tenantId, 2)),
  };
  await holder.query('rollback to savepoint s').catch(() => {}); // it was ended already

  const radiusMs = performance.now();
  await (await call(`keys/${previousKeyId}/blast-radius`)).text();
  const blastRadiusMs = performance.now() - radiusMs;

  let ordinaryWhileSwept = 0;
  const watchQueue = async (): Promise<void> => {
    while (writing) {
      const { rows } = await store.query(
        `select (select count(*)::int from rekey.rotations o where o.tenant_id <> r.tenant_id and o.completed_at is not null) as before
         from rekey.rotations r where r.id = $1 and (r.phase <> 'sweeping' or exists (select from rekey.rotation_ranges g
           where g.rotation_id = r.id and g.proved_at is null and not g.swept))`,
        [rotationId.slice(4)],
      );
      const [left] = rows as Array<{ before: number }>;
      if (left === undefined) return;
      ordinaryWhileSwept = left.before;
      await sleep(50);
    }
  };
  working.push(watchQueue());

  let [least, grew] = [Number.POSITIVE_INFINITY, false];
  const ended = await until(
    async () => {
      const left = await rekey.leftOnOlderKeys(tenantId);
      grew ||= left > least;
      least = Math.min(least, left);
      const { data } = (await rekey.status(rotationId)).body;
      return data.completedAt === null ? undefined : data;
    },
    {
      what: 'the compromised key is empty',
      timeoutMs: Math.max(200_000, records),
      // Of many records a look takes as long as a part of the sweep.
      everyMs: records > 50_000 ? 5_000 : 100,
    },
  );
  writing = false;
  await Promise.all(working);
  await stalls.stop();
  await until(() => holderEnded, { what: 'who held it is ended' });
  const { rows: times } = await store.query(
    `select (extract(epoch from r.switched_at - r.started_at) * 1000)::float8 as switched,
       (extract(epoch from r.completed_at - r.started_at) * 1000)::float8 as completed,
       (select count(*)::int from rekey.rotations o where o.tenant_id <> r.tenant_id and o.completed_at < r.switched_at) as before_switch,
       (select count(*)::int from rekey.rotations o where o.tenant_id <> r.tenant_id and o.completed_at < r.completed_at) as before_end
     from rekey.rotations r where r.id = $1 and $2::text is not null`,
    [rotationId.slice(4), ended.rotationId],
  );
  const [at] = times as Array<{
    switched: number;
    completed: number;
    before_switch: number;
    before_end: number;
  }>;
  await holder.end().catch(() => {});
  const leftOnOlderKeys = await rekey.leftOnOlderKeys(tenantId);
  await worker.stop();
  latencies.sort((a, b) => a - b);
  return {
    callMs,
    switchedAfterMs: at?.switched ?? Number.NaN,
    refused,
    grew,
    holderEnded,
    writes: {
      count: latencies.length,
      failed,
      longestMs: latencies.at(-1) ?? 0,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      lockWaitMs,
    },
    blastRadiusMs,
    completedAfterMs: at?.completed ?? Number.NaN,
    ordinaryBefore: {
      switch: at?.before_switch ?? Number.NaN,
      swept: ordinaryWhileSwept,
      end: at?.before_end ?? Number.NaN,
    },
    leftOnOlderKeys,
  };
}
