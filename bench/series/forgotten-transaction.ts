import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '@rekey/db';
import { createVault } from '@rekey/vault';
import { Client, Pool } from 'pg';
import { waitsBehindOurs } from '../../test/harness/lock-waits.ts';
import type { Bench, Series } from '../bench.ts';
import { type Result, resultOf, startApplication } from '../rig/application.ts';
import { benchTarget, createTenant, type Dataset, fill, makeDataset } from '../rig/dataset.ts';
import { type Installation, startInstallation } from '../rig/installation.ts';
import { type Figure, figureOf } from '../stats.ts';
import type { Row } from '../table.ts';

const records = 10_000;
const otherRecords = 1_000;
const otherRotations = 20;
const sampleEveryMs = 20;
const timeoutMs = 300_000;

/** What a transaction that wrote for a tenant and stays open costs, when that tenant's DEK is rotated. */
export const forgottenTransaction: Series = {
  name: 'forgotten-transaction',
  quick: false,
  async run(bench) {
    const { parameters, rig } = bench;
    const dataset = await makeDataset(rig, {
      records,
      valueBytes: parameters.valueBytes,
      bystanders: 0,
      idKind: 'uuid v4',
    });
    try {
      const rounds: Array<{ without: Watched; one: Watched }> = [];
      const crowds: Crowd[] = [];
      for (let round = 1; round <= parameters.forgottenRounds; round += 1) {
        const first = await watch(bench, dataset, round % 2 === 0);
        const second = await watch(bench, dataset, round % 2 === 1);
        rounds.push(round % 2 === 0 ? { one: first, without: second } : { without: first, one: second });
        crowds.push(await crowd(bench, dataset));
        bench.say(`round ${round}: done`);
      }
      const rowOf = (label: string, of: (round: (typeof rounds)[number]) => Watched): Row => {
        const figure = (value: (one: Watched) => number): Figure =>
          figureOf(rounds.map((round) => value(of(round))));
        const ratio = (value: (one: Watched) => number): Figure =>
          figureOf(rounds.map((round) => value(of(round)) / value(round.without)));
        return {
          label,
          cells: {
            'read p99 ms': figure(({ result }) => result.reads.p99),
            'write p99 ms': figure(({ result }) => result.writes.p99),
            '× without': ratio(({ result }) => result.writes.p99),
            'longest write ms': figure(({ result }) => result.writes.max),
            'longest lock wait ms': figure(({ longestWaitMs }) => longestWaitMs),
            'completed after ms': figure(({ completedMs }) => completedMs),
          },
        };
      };
      const crowdRow = (label: string, of: (one: Crowd) => Omit<Crowd, 'aloneMs'>): Row => ({
        label,
        cells: {
          'completed after ms': figureOf(crowds.map((one) => of(one).completedMs)),
          'another tenant ms': figureOf(crowds.map((one) => of(one).otherMs)),
        },
      });
      return {
        name: 'forgotten-transaction',
        title: `A rotation beside a transaction that stays open for ${parameters.forgottenMs / 1_000} s`,
        columns: [
          'read p99 ms',
          'write p99 ms',
          '× without',
          'longest write ms',
          'longest lock wait ms',
          'completed after ms',
          'another tenant ms',
        ],
        rows: [
          rowOf('without one', ({ without }) => without),
          rowOf('with one', ({ one }) => one),
          crowdRow('none, another tenant rotated', ({ aloneMs }) => ({ completedMs: 0, otherMs: aloneMs })),
          crowdRow(`${parameters.forgottenTenants} tenants with one each`, (one) => one),
        ],
        notes: [
          `${parameters.applicationReadsPerSecond} reads and ${parameters.applicationWritesPerSecond} writes per second on the rotated tenant's own ${records} records for ${parameters.forgottenMs / 1_000} s, with the rotation begun at their beginning; ${parameters.forgottenRounds} rounds with and without in turn, 1 worker. × without: write p99. Longest lock wait: of any session of the application for one of Rekey's or for somebody who waits for one, from pg_locks every ${sampleEveryMs} ms. Completed after: from the call, or from the end of the forgotten transactions. Another tenant: median of ${otherRotations} rotations of one of ${otherRecords} records, meanwhile.`,
        ],
      };
    } finally {
      await dataset.drop();
    }
  },
};

interface Watched {
  readonly result: Result;
  readonly longestWaitMs: number;
  readonly completedMs: number;
}

async function watch(bench: Bench, dataset: Dataset, forgets: boolean): Promise<Watched> {
  const { rig, parameters } = bench;
  const database = await dataset.copy();
  const installation = await startInstallation(rig, { databaseUrl: database.url, workers: 1 });
  const pool = new Pool({ connectionString: database.url, max: 1, application_name: 'chaos-bench' });
  const forgotten = await forget(bench, database.url, forgets ? [dataset.tenantId] : []);
  const stop = new AbortController();
  try {
    const application = startApplication(bench, dataset, database.url, parameters.forgottenMs);
    await application.ready;
    const begun = performance.now();
    const longest = longestWait(pool, stop.signal);
    const rotationId = await installation.api.rotate(dataset.tenantId);
    const completed = installation.api.completed(rotationId, 20, timeoutMs).then(() => performance.now());
    const result = await resultOf(application);
    stop.abort();
    const ended = performance.now();
    await forgotten.commit();
    const completedMs = (await completed) - (forgets ? ended : begun);
    return { result, longestWaitMs: await longest, completedMs };
  } finally {
    stop.abort();
    await forgotten.end();
    await pool.end();
    await installation.stop();
    await database.drop();
  }
}

interface Crowd {
  /** A rotation of another tenant without all this, and beside it. */
  readonly aloneMs: number;
  readonly otherMs: number;
  /** From the end of the last transaction to the last of the tenants' completed. */
  readonly completedMs: number;
}

async function crowd(bench: Bench, dataset: Dataset): Promise<Crowd> {
  const { rig, parameters } = bench;
  const database = await dataset.copy();
  const store = openStore({ url: database.url, max: 4, onError: () => {} });
  const vault = createVault({ store, kek: rig.kek, prefetch: false });
  const tenants = Array.from({ length: parameters.forgottenTenants }, () => randomUUID());
  const other = randomUUID();
  const installation = await startInstallation(rig, { databaseUrl: database.url, workers: 1 });
  try {
    for (const tenantId of [...tenants, other]) {
      await createTenant(vault, tenantId);
      await fill(vault, tenantId, benchTarget, randomUUID, tenantId === other ? otherRecords : 100, 296);
    }
    await medianRotation(installation, other); // its first are slower
    const aloneMs = await medianRotation(installation, other);
    const forgotten = await forget(bench, database.url, tenants);
    try {
      const started = await Promise.all(tenants.map((tenantId) => installation.api.rotate(tenantId)));
      await sleep(5_000); // all of them are switched and swept
      const otherMs = await medianRotation(installation, other);
      const ended = performance.now();
      await forgotten.commit();
      await Promise.all(started.map((id) => installation.api.completed(id, 50, timeoutMs)));
      return { aloneMs, otherMs, completedMs: performance.now() - ended };
    } finally {
      await forgotten.end();
    }
  } finally {
    await installation.stop();
    await vault.close();
    await store.end();
    await database.drop();
  }
}

async function medianRotation({ api }: Installation, tenantId: string): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < otherRotations; n += 1) {
    const begun = performance.now();
    await api.completed(await api.rotate(tenantId), 5, timeoutMs);
    took.push(performance.now() - begun);
  }
  return figureOf(took).median;
}

/** One transaction for each tenant, on a session of its own, that has written for it and stays open. */
async function forget({ rig }: Bench, url: string, tenantIds: readonly string[]) {
  const store = openStore({ url, max: 2, onError: () => {} });
  const vault = createVault({ store, kek: rig.kek, prefetch: false });
  const clients: Client[] = [];
  for (const tenantId of tenantIds) {
    const client = new Client({ connectionString: url, application_name: 'forgetful' });
    client.on('error', () => {});
    clients.push(client);
    await client.connect();
    await client.query('begin');
    const columns = { name: 'n' };
    await vault.put({
      target: benchTarget,
      tenantId,
      id: randomUUID(),
      value: Buffer.of(1),
      columns,
      client,
    });
  }
  return {
    commit: () => Promise.all(clients.map((client) => client.query('commit'))),
    async end(): Promise<void> {
      await Promise.all(clients.map((client) => client.end()));
      await vault.close();
      await store.end();
    },
  };
}

async function longestWait(pool: Pool, signal: AbortSignal): Promise<number> {
  let longest = 0;
  while (!signal.aborted) {
    for (const { waiting } of await waitsBehindOurs(pool)) longest = Math.max(longest, waiting.ms);
    await sleep(sampleEveryMs, undefined, { signal }).catch(() => {});
  }
  return longest;
}
