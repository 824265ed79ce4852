import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kek } from '@rekey/kms';
import { Client } from 'pg';
import type { Owner } from '../harness/cleanup.ts';
import type { Installation } from '../harness/installation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

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
  readonly writes: { readonly count: number; readonly failed: number; readonly longestMs: number };
  readonly blastRadiusMs: number;
  readonly completedAfterMs: number;
  /** Of the queue: how many were completed before the switch, and before the compromised key was empty, for which who holds it is waited for. */
  readonly ordinaryBefore: { readonly switch: number; readonly end: number };
  readonly leftOnOlderKeys: number;
}

/** What a fire would be, played on a whole installation: a paused rotation is there, and somebody holds a transaction open. */
export async function fireDrill(
  rekey: Installation,
  { records, queue, kmsMs, patienceSeconds }: Scale,
  owner: Owner,
): Promise<Figures> {
  const { store, vault } = rekey;
  await store.query(`select rekey.change_setting('compromise_patience_seconds', $1)`, [patienceSeconds]);
  const { tenantId, records: seeded } = await rekey.seedTenant(records);
  const others = await Promise.all(Array.from({ length: queue }, () => rekey.seedTenant(17)));
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
  const worker = await workerHere(rekey, slow(rekey.kek, kmsMs), owner, {});

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
  const latencies: number[] = [];
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
      latencies.push(performance.now() - begunMs);
      await sleep(5);
    }
  };
  const writers = Array.from({ length: 4 }, write);
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

  let [least, grew] = [Number.POSITIVE_INFINITY, false];
  const ended = await until(
    async () => {
      const left = await rekey.leftOnOlderKeys(tenantId);
      grew ||= left > least;
      least = Math.min(least, left);
      const { data } = (await rekey.status(rotationId)).body;
      return data.completedAt === null ? undefined : data;
    },
    { what: 'the compromised key is empty', timeoutMs: 200_000, everyMs: 100 },
  );
  writing = false;
  await Promise.all(writers);
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
  await worker.close();
  return {
    callMs,
    switchedAfterMs: at?.switched ?? Number.NaN,
    refused,
    grew,
    holderEnded,
    writes: { count: latencies.length, failed, longestMs: Math.max(...latencies) },
    blastRadiusMs,
    completedAfterMs: at?.completed ?? Number.NaN,
    ordinaryBefore: { switch: at?.before_switch ?? Number.NaN, end: at?.before_end ?? Number.NaN },
    leftOnOlderKeys,
  };
}

function slow(kek: Kek, ms: number): Kek {
  return {
    id: kek.id,
    uri: kek.uri,
    wrap: async (dek, aad) => {
      await sleep(ms);
      return kek.wrap(dek, aad);
    },
    unwrap: async (wrapped, aad) => {
      await sleep(ms);
      return kek.unwrap(wrapped, aad);
    },
    close: async () => {},
  };
}
