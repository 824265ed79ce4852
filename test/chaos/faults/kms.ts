import { setTimeout as sleep } from 'node:timers/promises';
import type { KmsMode } from '../world/control.ts';
import { type Fault, seenIf } from './fault.ts';

/** The KMS of every worker that takes orders. */
const workersKms =
  (mode: KmsMode, ms: number): Fault =>
  async ({ world, random, signal }) => {
    const workers = world.workers.filter(({ controlled }) => controlled);
    const heard = workers.map(({ name }) => world.control.heard(name, 'kmsTroubled', 9_000));
    for (const { name } of workers) world.control.tell(name, { kms: { mode, ms } });
    await sleep(random.integer(4_000, 8_000), undefined, { signal }).catch(() => {});
    for (const { name } of workers) world.control.tell(name, { kms: { mode: 'ok', ms: 0 } });
    const troubled = (await Promise.all(heard)).filter((count) => count !== null);
    return seenIf(troubled.length > 0, `seen by ${troubled.length} workers`);
  };

const applicationsKms =
  (mode: KmsMode, ms: number): Fault =>
  async ({ world, random, signal }) => {
    const before = world.kek.troubled();
    world.kek.set(mode, ms);
    await sleep(random.integer(3_000, 6_000), undefined, { signal }).catch(() => {});
    world.kek.set('ok', 0);
    const troubled = world.kek.troubled() - before;
    return seenIf(troubled > 0, `${troubled} calls`);
  };

export const kmsFaults = {
  'kms-slow': workersKms('slow', 1_500),
  'kms-failing': workersKms('failing', 0),
  'kms-away': workersKms('away', 3_000),
  'application-kms-failing': applicationsKms('failing', 0),
  'application-kms-slow': applicationsKms('slow', 500),
} as const satisfies Record<string, Fault>;
