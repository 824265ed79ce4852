/**
 * A worker as `apps/worker` wires it, in a process that can be told to misbehave: its key files are slow or away, its event
 * loop stands still, its clock is wrong. Orders come as lines of JSON over the control port.
 */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kek } from '@rekey/kms';

const clockOffsetMs = Number(process.env.CHAOS_CLOCK_OFFSET_MS ?? '0');
if (clockOffsetMs !== 0) {
  globalThis.Date = new Proxy(Date, {
    construct: (real, given): object =>
      given.length === 0 ? new real(real.now() + clockOffsetMs) : Reflect.construct(real, given),
    get: (real, name): unknown =>
      name === 'now' ? () => real.now() + clockOffsetMs : Reflect.get(real, name),
  });
}

const { startWorker } = await import('@rekey/worker');
const { readWorkerConfig } = await import('../../../apps/worker/src/config.ts');
const { usableKeks } = await import('../../../apps/worker/src/usable-keks.ts');
const { KmsError } = await import('@rekey/kms');
const { closeOnSignal, createLogger, startHealthServer } = await import('@rekey/runtime');
const { StoreError } = await import('@rekey/db');

type KmsMode = { readonly mode: 'ok' | 'slow' | 'failing' | 'away'; readonly ms: number };

let kms: KmsMode = { mode: 'ok', ms: 0 };
let troubled = 0;

async function trouble(): Promise<void> {
  if (kms.mode === 'ok') return;
  troubled += 1;
  tell({ kmsTroubled: troubled });
  if (kms.mode !== 'failing') await sleep(kms.ms);
  if (kms.mode === 'failing' || kms.mode === 'away') throw new KmsError('UNAVAILABLE', 'the KMS is away');
}

const config = readWorkerConfig(process.env);
const logger = createLogger({ name: 'worker', level: config.LOG_LEVEL, ourErrors: [StoreError, KmsError] });
/** The others are in trouble of their own. */
const withTrouble = (real: Kek): Kek =>
  real.uri.startsWith('local:')
    ? {
        id: real.id,
        uri: real.uri,
        wrap: async (dek, aad) => {
          await trouble();
          return real.wrap(dek, aad);
        },
        unwrap: async (wrapped, aad) => {
          await trouble();
          return real.unwrap(wrapped, aad);
        },
        close: () => real.close(),
      }
    : real;
const keks = await usableKeks(config, logger, withTrouble);
const worker = startWorker(config, keks, logger);

const control = connect(Number(process.env.CHAOS_CONTROL_PORT), '127.0.0.1');
control.on('error', () => {});
function tell(what: object): void {
  if (!control.destroyed) control.write(`${JSON.stringify(what)}\n`);
}
tell({ name: process.env.CHAOS_NAME, pid: process.pid });
const orders = createInterface({ input: control }).on('error', () => {});
orders.on('line', (line) => {
  // The parsed edge: the other end is control.ts.
  const order = JSON.parse(line) as { kms?: KmsMode; blockMs?: number };
  if (order.kms !== undefined) kms = order.kms;
  if (order.blockMs !== undefined) {
    const began = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.blockMs);
    tell({ blockedMs: Math.round(performance.now() - began) });
  }
});

const health = await startHealthServer({
  host: config.HEALTH_HOST,
  port: config.HEALTH_PORT,
  ready: () => worker.check(),
});
closeOnSignal({
  logger,
  deadlineMs: 10_000,
  closers: [
    { name: 'worker', close: () => worker.close() },
    { name: 'keks', close: () => keks.close() },
    { name: 'health', close: () => health.close() },
    { name: 'control', close: () => control.destroy() },
  ],
});
await worker.ready;
logger.info('worker ready', { url: health.url });
