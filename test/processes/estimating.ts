/** Rotations by a worker process, some of them throttled, and how near what is told of their ends comes to these. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, type Rotation } from '@rekey/client';
import { startApplication } from '../harness/application.ts';
import { thisFile } from '../harness/cleanup.ts';
import { type Installation, installation } from '../harness/installation.ts';
import type { SeededTenant } from '../harness/seed.ts';

/** What a rotation is held back by. */
export type Held =
  | 'nothing'
  | 'a limit'
  | 'a limit that is doubled'
  | 'a switch that stops it'
  | 'an application';

export interface Run {
  readonly records: number;
  readonly held: Held;
  readonly itemsPerSecondMax?: number;
}

/** What was told at one moment. */
export interface Look {
  /** From the call, in parts of the way. */
  readonly at: number;
  /** Seconds from then: told, and what it was. */
  readonly expected: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly actual: number;
  readonly isWanted: boolean;
  readonly throttledBy: string | null;
}

export interface Measured extends Run {
  readonly seconds: number;
  readonly looks: readonly Look[];
  /** Every state that was seen. */
  readonly seen: ReadonlyArray<Rotation & { readonly seenMs: number }>;
}

const shares = [0.1, 0.5, 0.9];
const within = 0.2;
const widest = 1.501;
const settleMs = 3_000;

/** A switch that stops the sweep while it says so. */
async function openGate(): Promise<{ readonly url: string; stops: boolean }> {
  const gate = { url: '', stops: false };
  const server = createServer((_, response) => void response.writeHead(gate.stops ? 503 : 200).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  thisFile.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  gate.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  return gate;
}

/** Measures run after run. Those of the same size rotate the same tenant. */
export async function measureEstimates(
  runs: readonly Run[],
  {
    workerEnv = {},
    onRun = () => {},
  }: { workerEnv?: Record<string, string>; onRun?: (run: Measured) => void } = {},
): Promise<Measured[]> {
  const gate = await openGate();
  const rekey = await installation({
    workerEnv: { THROTTLE: 'on', THROTTLE_SESSIONS: '0.2', THROTTLE_HTTP: gate.url, ...workerEnv },
  });
  const client = createClient({ url: rekey.apis[0]?.url ?? '', token: () => rekey.token });
  const tenants = new Map<number, SeededTenant>();
  const measured: Measured[] = [];
  for (const run of runs) {
    const tenant = tenants.get(run.records) ?? (await rekey.seedTenant(run.records));
    tenants.set(run.records, tenant);
    // What seeded it is no application that the sweep is to yield to.
    await sleep(settleMs);
    const done = new AbortController();
    const holding = hold(rekey, run.held, gate, done.signal);
    measured.push(await follow(client, run, tenant.tenantId));
    done.abort();
    await holding;
    gate.stops = false;
    const last = measured.at(-1);
    if (last !== undefined) onRun(last);
  }
  return measured;
}

async function follow(client: Client, run: Run, tenantId: string): Promise<Measured> {
  const { rotationId } = await client.rotate(tenantId);
  const path = { rotationId };
  const limit = async (share: number): Promise<void> => {
    if (run.itemsPerSecondMax === undefined) return;
    await client.updateRotation({ path, body: { itemsPerSecondMax: run.itemsPerSecondMax * share } });
  };
  const atFirst = run.held === 'a limit that is doubled' ? 0.5 : 1;
  await limit(atFirst);
  const seen: Array<Rotation & { seenMs: number }> = [];
  for (let isLate = atFirst < 1; ; ) {
    const { data } = await client.getRotation({ path });
    seen.push({ ...data, seenMs: Date.now() });
    if (data.completedAt !== null) break;
    if (isLate && data.percentComplete >= 4) {
      isLate = false;
      await limit(1);
    }
    await sleep(50);
  }
  const endMs = Date.parse(seen.at(-1)?.completedAt ?? '');
  const looks = shares.flatMap((at): Look[] => {
    const first = seen.find(
      ({ percentComplete, completedAt }) => percentComplete >= at * 100 && completedAt === null,
    );
    if (first === undefined || first.estimatedCompletion === null) return [];
    const secondsTo = (iso: string): number => (Date.parse(iso) - first.seenMs) / 1_000;
    const expected = secondsTo(first.estimatedCompletion);
    const range = first.estimatedRange ?? null;
    const [low, high] = [
      range === null ? null : secondsTo(range.earliest),
      range?.latest ? secondsTo(range.latest) : null,
    ];
    const actual = (endMs - first.seenMs) / 1_000;
    const isNear = Math.abs(actual - expected) <= within * expected;
    const isInside = low !== null && high !== null && actual >= low && actual <= high && high <= widest * low;
    const throttledBy = first.throttledBy?.signal ?? null;
    return [{ at, expected, low, high, actual, isWanted: isNear || isInside, throttledBy }];
  });
  return { ...run, seconds: (endMs - Date.parse(seen[0]?.startedAt ?? '')) / 1_000, looks, seen };
}

/** Until the signal comes. */
async function hold(
  rekey: Installation,
  held: Held,
  gate: { stops: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (held === 'an application') {
    const application = startApplication(rekey, await rekey.seedTenant(850));
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await application.stop();
    return;
  }
  if (held !== 'a switch that stops it') return;
  for (let turn = 0; !signal.aborted; turn += 1) {
    gate.stops = turn % 2 === 1;
    await sleep(1_000, undefined, { signal }).catch(() => {});
  }
}

/** A line for people. */
export function said({ records, held, seconds, looks }: Measured): string {
  const of = ({ at, expected, low, high, actual, isWanted, throttledBy }: Look): string =>
    `${at * 100} %: ${expected.toFixed(2)} s (${low?.toFixed(2) ?? '?'} to ${high?.toFixed(2) ?? '?'}), it was ${actual.toFixed(2)}${throttledBy === null ? '' : `, throttled by ${throttledBy}`}${isWanted ? '' : ' NOT'}`;
  return `${records} records, held back by ${held}, ${seconds.toFixed(1)} s · ${looks.map(of).join(' · ')}`;
}
