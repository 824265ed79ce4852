import { randomUUID } from 'node:crypto';
import { claimRewrap, templateId } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Keks } from '@rekey/kms';
import { rewrapDeks } from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { leaseMs } from '@rekey/times';
import { untilStopped } from './until-stopped.ts';

interface Rewrapping {
  readonly store: Store;
  readonly keks: Keks;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Looks for rewraps about once a second and takes one at a time, until the signal. They are found in Postgres, so none waits
 * for Redis; whichever worker has the KEKs takes one up, and another one when that dies.
 */
export async function keepRewrapping({ store, keks, logger, signal }: Rewrapping): Promise<void> {
  const owner = randomUUID();
  const templates = [...(keks.tenantKeks?.templates.keys() ?? [])].map(templateId);
  const kekIds = [...keks.held.map(({ id }) => id), ...templates];
  const takeOne = async (): Promise<void> => {
    const rewrap = await claimRewrap(store, owner, kekIds, leaseMs);
    if (rewrap === null) return;
    const about = { rewrapId: rewrap.id };
    logger.info('rewrap taken up', about);
    const onTrouble = (error: Error): void => logger.warn('rewrap waits', { ...about, error });
    const outcome = await rewrapDeks({ store, keks, onTrouble }, rewrap, signal);
    logger.info(`rewrap ${outcome}`, about);
  };
  await untilStopped('rewrapping', takeOne, { logger, signal });
}
